// Says hello CALLS times, and tells which servers answered: CALLS=30 node client.ts
import { createClient } from "@connectrpc/connect";
import { createFairleadTransport } from "fairlead/connect";
import { Greeter } from "./generated/greet_pb.ts";

const target = process.env.GREETER ?? "kubernetes:///greeter:grpc";
const calls = Number(process.env.CALLS ?? 30);

// The one line: instead of connect-node's createGrpcTransport({ baseUrl }).
const transport = createFairleadTransport({ target });
const greeter = createClient(Greeter, transport);

const tally: Record<string, number> = {};
for (let i = 0; i < calls; i += 1) {
  const { server } = await greeter.sayHello({ name: "connect" });
  tally[server] = (tally[server] ?? 0) + 1;
}
console.log("answered by", tally);

const messages: string[] = [];
for await (const { message } of greeter.sayHellos({ name: "connect", count: 3 })) {
  messages.push(message);
}
console.log(`a stream of ${messages.length}: ${messages[0]}`);

async function* names() {
  for (const name of ["ann", "bob"]) yield { name };
}
const { message } = await greeter.greetAll(names());
console.log(`all at once: ${message}`);
