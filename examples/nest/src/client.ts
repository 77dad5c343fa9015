// Says hello CALLS times, and tells which servers answered: CALLS=30 node dist/client.js
import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { lastValueFrom, toArray } from "rxjs";
import { ClientModule, GreeterClient } from "./client.module.js";

const calls = Number(process.env.CALLS ?? 30);
const app = await NestFactory.createApplicationContext(ClientModule, { logger: ["error"] });
const greeter = app.get(GreeterClient);

const tally: Record<string, number> = {};
for (let i = 0; i < calls; i += 1) {
  const { server } = await greeter.sayHello("nest");
  tally[server] = (tally[server] ?? 0) + 1;
}
console.log("answered by", tally);
const stream = await lastValueFrom(greeter.sayHellos("nest", 3).pipe(toArray()));
console.log(`a stream of ${stream.length}: ${stream[0]!.message}`);
await app.close();
