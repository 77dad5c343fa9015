/**
 * A stand-in for `fairlead proxy` in tests of the lab's proxy lanes: takes the same arguments, says
 * the same `listening` and `admin` lines, and spreads calls over the pods in turn, by node:http2.
 *
 *     substitute-proxy.ts proxy --listen HOST:PORT --to ... --kubeconfig FILE [--admin HOST:PORT]
 *
 * Not a proxy to use: one unary call at a time is all that it was made for.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";

interface Slice {
  readonly endpoints: readonly { readonly addresses: readonly string[] }[] | null;
  readonly ports: readonly { readonly port: number }[] | null;
}

const { values } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: {
    ...{ listen: { type: "string" }, to: { type: "string" }, kubeconfig: { type: "string" } },
    admin: { type: "string" },
  },
});
assert.equal(values.to, "kubernetes:///echo.lab:grpc");
const { clusters } = JSON.parse(readFileSync(String(values.kubeconfig), "utf8"));
const label = "labelSelector=kubernetes.io%2Fservice-name%3Decho";
const path = `/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices?${label}`;

/** The pods, once there are any: all of them come at once. */
async function findPods(): Promise<readonly string[]> {
  for (;;) {
    const answer = await fetch(clusters[0].cluster.server + path);
    const { items } = (await answer.json()) as { readonly items: readonly Slice[] };
    const found = items.flatMap(({ endpoints, ports }) =>
      (endpoints ?? []).map(({ addresses }) => `${addresses[0]}:${ports![0]!.port}`),
    );
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const targets = await findPods();
const sessions = targets.map((address) => http2.connect(`http://${address}`));
let next = 0;

const server = http2.createServer();
server.on("stream", (downstream, { ":path": path, "content-type": type, te }) => {
  const session = sessions[next++ % sessions.length]!;
  const headers = { ":method": "POST", ":path": path, "content-type": type, te };
  const upstream = session.request(headers as http2.OutgoingHttpHeaders);
  downstream.pipe(upstream);
  let trailers: http2.IncomingHttpHeaders = {};
  upstream.on("trailers", (received) => {
    trailers = received;
  });
  downstream.on("wantTrailers", () => downstream.sendTrailers(trailers));
  upstream.on("response", (headers) => {
    downstream.respond(headers, { waitForTrailers: true });
    upstream.pipe(downstream);
  });
  upstream.on("error", () => downstream.close());
  downstream.on("error", () => upstream.close());
});
const connections = new Set<object>();
server.on("session", (session) => {
  connections.add(session);
  session.on("close", () => connections.delete(session));
});
const admin = http.createServer((_request, response) => {
  const metrics = { connections: connections.size, calls_total: next };
  const lines = Object.entries(metrics).map(
    ([name, value]) => `fairlead_downstream_${name} ${value}`,
  );
  response.end(`${lines.join("\n")}\n`);
});

/** Listens, and says so. */
function listen(on: http.Server | http2.Http2Server, where: unknown, msg: string): void {
  const [host, port] = String(where).split(":");
  on.listen(Number(port), host, () => {
    const bound = (on.address() as AddressInfo).port;
    console.error(JSON.stringify({ msg, address: `${host}:${bound}` }));
  });
}
listen(server, values.listen, "listening");
if (values.admin !== undefined) listen(admin, values.admin, "admin");
