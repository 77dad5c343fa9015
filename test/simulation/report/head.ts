/**
 * What stands at the head of `docs/simulation.md`.
 */

/** See the head of this file. */
export const HEAD = `
# Simulation

What fairlead's policies, clusters and proxies do in shapes that no test machine can hold, and in
situations that must be the same every time. Every figure here comes from one run of

    npm run simulate

with seed 1, which writes this page and its charts; on the same sources it writes the same bytes. With
another \`--seed\` the world is another one (other service times, other arrivals, other moments of
failure), and the figures differ in their last digits.

**Real**: the policies and what stands around them, the cluster (endpoints, connections, queues,
retries), the HTTP/2 engine at both ends, and the transport's keepalive and drain. **Simulated**:
time, the sockets (bytes arrive after a latency, in order, until a peer is gone), the pods' work
(a time drawn from a distribution, a number of workers, a queue) and the news from the API server
(a delay for each client). **Not simulated**: what code costs; see \`npm run bench -- picks\` and
\`npm run bench -- relay\` for that.
`;
