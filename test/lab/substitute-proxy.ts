/**
 * A stand-in for `fairlead proxy` in tests of the lab's proxy lane: takes the same arguments, says
 * the same `listening` line, and spreads calls over the pods in turn, by node:http2.
 *
 *     substitute-proxy.ts proxy --listen HOST:PORT --to ipv4:A,B,C [...]
 *
 * Not a proxy to use: one unary call at a time is all that it was made for.
 */
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { listen: { type: "string" }, to: { type: "string" } },
});
const targets = String(values.to).replace("ipv4:", "").split(",");
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
const [host, port] = String(values.listen).split(":");
server.listen(Number(port), host, () => {
  const bound = (server.address() as AddressInfo).port;
  console.error(JSON.stringify({ msg: "listening", address: `${host}:${bound}` }));
});
