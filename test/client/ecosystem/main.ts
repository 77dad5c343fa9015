/**
 * Runs every kind of call over one kind of stub and prints what came of it as one line of JSON:
 *
 *     node main.ts STUB DEPTH TARGET
 */
import type { ClientOptions } from "@grpc/grpc-js";
import { optionsOf } from "./depth.ts";
import type { Greeting } from "./greeting.ts";

const CALLS = 300;

const [stub, depth, target] = process.argv.slice(2) as [string, string, string];
const { connect } = (await import(`./${stub}.ts`)) as {
  connect(target: string, options: ClientOptions): Greeting;
};
const greeting = connect(target, optionsOf(depth));
const servers: Record<string, number> = {};
for (let i = 0; i < CALLS; i += 1) {
  const server = await greeting.sayHello("all");
  servers[server] = (servers[server] ?? 0) + 1;
}
const sayHellos = await greeting.sayHellos("all", 3);
const greetAll = await greeting.greetAll(["ann", "bob"]);
const chat = await greeting.chat(["ann", "bob", "cid"]);
greeting.close();
const { clientSpans } = globalThis as { clientSpans?: () => readonly object[] };
// Spans end with their calls' status, a turn after the last message.
await new Promise((done) => setTimeout(done, 50));
const spans = clientSpans?.() ?? [];
console.log(JSON.stringify({ servers, sayHellos, greetAll, chat, spans }));
