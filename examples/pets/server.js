// Answers pings with what came and its own name: node server.js [--listen HOST:PORT]
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import grpc from "@grpc/grpc-js";
import { PetService } from "./service.js";

const { listen } = parseArgs({
  options: { listen: { type: "string", default: "0.0.0.0:9020" } },
}).values;
// In a pod HOSTNAME is its name.
const host = process.env.HOSTNAME ?? hostname();

const server = new grpc.Server();
server.addService(PetService.service, {
  Ping: ({ request }, answer) => answer(null, { id: `${request.id}, ${host}` }),
});
server.bindAsync(listen, grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(`${host} listens on port ${port}`);
});
process.once("SIGTERM", () => server.tryShutdown(() => process.exit()));
