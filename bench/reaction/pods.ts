/**
 * Program: stock gRPC servers (grpc-js) on many addresses, one process. Arguments: PORT IP...
 *
 * Prints "ready" when all listen, and a line of JSON {"ip","atNs"} at the first call that each
 * address gets. Times are CLOCK_MONOTONIC, which is one for all processes of a machine.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";

const same = (bytes: Buffer) => bytes;
const SAY = {
  path: "/echo.Echo/Say",
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
} as const;

const [port, ...ips] = process.argv.slice(2);
const seen = new Set<string>();

function note(ip: string): void {
  if (seen.has(ip)) return;
  const atNs = process.hrtime.bigint();
  seen.add(ip);
  console.log(JSON.stringify({ ip, atNs: String(atNs) }));
}

await Promise.all(
  ips.map(async (ip) => {
    const server = new Server();
    server.addService(
      { Say: SAY },
      {
        Say: (call: { request: Buffer }, done: (error: null, value: Buffer) => void) => {
          note(ip);
          done(null, call.request);
        },
      },
    );
    await new Promise<void>((bound, failed) => {
      server.bindAsync(`${ip}:${port}`, ServerCredentials.createInsecure(), (error) => {
        if (error === null) bound();
        else failed(error);
      });
    });
  }),
);
console.log("ready");
