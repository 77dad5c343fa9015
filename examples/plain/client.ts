// Says hello CALLS times, and tells which servers answered: CALLS=30 node client.ts
import { createChannel } from "fairlead";
import { greetAll, sayHello, sayHellos } from "./greeter.ts";

const target = process.env.GREETER ?? "kubernetes:///greeter:grpc";
const calls = Number(process.env.CALLS ?? 30);

const channel = createChannel(target);

const tally: Record<string, number> = {};
for (let i = 0; i < calls; i += 1) {
  const { server } = await channel.unary(sayHello, { name: "plain" }, { timeoutMs: 5000 });
  tally[server] = (tally[server] ?? 0) + 1;
}
console.log("answered by", tally);

const messages: string[] = [];
for await (const { message } of channel.serverStream(sayHellos, { name: "plain", count: 3 })) {
  messages.push(message);
}
console.log(`a stream of ${messages.length}: ${messages[0]}`);

const { message } = await channel.clientStream(greetAll, [{ name: "ann" }, { name: "bob" }]);
console.log(`all at once: ${message}`);
channel.close();
