// A greeter in Connect, over plaintext HTTP/2: LISTEN=0.0.0.0:50051 node server.ts
import http2 from "node:http2";
import { hostname } from "node:os";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Greeter } from "./generated/greet_pb.ts";

// In a pod HOSTNAME is its name.
const host = process.env.HOSTNAME ?? hostname();
const reply = (name: string) => ({ message: `hello ${name}`, server: host });

const handler = connectNodeAdapter({
  routes(router) {
    router.service(Greeter, {
      sayHello: ({ name }) => reply(name),
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
    });
  },
});

const [, address, port] = /^(.*):(\d+)$/.exec(process.env.LISTEN ?? "0.0.0.0:50051")!;
const server = http2.createServer(handler);
server.listen(Number(port), address, () => console.log(`${host} listens on ${address}:${port}`));
process.once("SIGTERM", () => process.exit());
