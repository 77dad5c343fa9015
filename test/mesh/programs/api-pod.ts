/**
 * A pod of the Gateway's example: stock gRPC servers of `api.Echo` and `api.Reverse`, each answer
 * with the header `hostname`, and `grpc.health.v1`.
 *
 *     api-pod.ts NAME HOST PORT
 *
 * Says `{port}` when it listens, does as it is told by `{serving}`, and ends with its parent.
 */
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { HEALTH_SERVICE, HealthServer } from "../../../src/lab/pods/health.ts";

const [name, host, port] = process.argv.slice(2) as [string, string, string];

const CODEC = {
  requestStream: false,
  responseStream: false,
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
} as const;

function handler(answer: (text: Buffer) => Buffer) {
  return (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void => {
    const headers = new Metadata();
    headers.set("hostname", name);
    // What a route's filter put there comes back, for tests to see.
    for (const value of call.metadata.get("x-from-route")) headers.add("x-seen", value);
    call.sendMetadata(headers);
    reply(null, answer(call.request));
  };
}

const health = new HealthServer();
const server = new Server();
server.addService({ call: { path: "/api.Echo/Echo", ...CODEC } }, { call: handler((it) => it) });
server.addService(
  { call: { path: "/api.Reverse/Reverse", ...CODEC } },
  { call: handler((it) => Buffer.from([...it].reverse())) },
);
server.addService(HEALTH_SERVICE, health.handlers);
server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
  if (error) throw error;
  process.send?.({ port: bound });
});
process.on("message", ({ serving }: { serving: boolean }) => {
  health.setServing(serving);
});
process.on("disconnect", () => process.exit(0));
