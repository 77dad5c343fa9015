// A greeter in nice-grpc: LISTEN=0.0.0.0:50051 node server.ts
import { hostname } from "node:os";
import { createServer } from "nice-grpc";
import {
  GreeterDefinition,
  type GreeterServiceImplementation,
  type HelloReply,
} from "./generated/greet.ts";

// In a pod HOSTNAME is its name.
const host = process.env.HOSTNAME ?? hostname();
const reply = (name: string): HelloReply => ({ message: `hello ${name}`, server: host });

const greeter: GreeterServiceImplementation = {
  async sayHello({ name }) {
    return reply(name);
  },
  async *sayHellos({ name, count }) {
    for (let i = 0; i < count; i += 1) yield reply(name);
  },
  async greetAll(requests) {
    const names: string[] = [];
    for await (const { name } of requests) names.push(name);
    return reply(names.join(" and "));
  },
  async *chat(requests) {
    for await (const { name } of requests) yield reply(name);
  },
};

const server = createServer();
server.add(GreeterDefinition, greeter);
const address = process.env.LISTEN ?? "0.0.0.0:50051";
await server.listen(address);
console.log(`${host} listens on ${address}`);
process.once("SIGTERM", () => server.shutdown());
