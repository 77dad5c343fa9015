/**
 * A program with a callback that throws, for a test: the answers of 21 calls come in one read, the
 * first callback throws. Prints what the process and the other calls saw.
 */
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { fairleadChannel } from "./public.ts";

const same = (bytes: Buffer): Buffer => bytes;
const server = new Server();
const echo = (call: { request: Buffer }, done: (error: null, reply: Buffer) => void): void =>
  done(null, call.request);
server.register("/test.Echo/Say", echo as never, same, same, "unary");
const port = await new Promise<number>((resolve) => {
  const insecure = ServerCredentials.createInsecure();
  server.bindAsync("127.0.0.1:0", insecure, (_error, bound) => resolve(bound));
});

const uncaught: string[] = [];
process.on("uncaughtException", (error) => uncaught.push(error.message));

const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
  channelFactoryOverride: fairleadChannel(),
});
const ask = (done: (reply: Buffer | undefined) => void): void => {
  client.makeUnaryRequest("/test.Echo/Say", same, same, Buffer.from("hi"), (_error, reply) =>
    done(reply),
  );
};
let replies = 0;
ask(() => {
  throw new Error("first");
});
await Promise.all(
  Array.from(
    { length: 20 },
    () =>
      new Promise<void>((resolve) => {
        ask(() => {
          replies += 1;
          resolve();
        });
      }),
  ),
);
const last = await new Promise<string>((resolve) => ask((reply) => resolve(String(reply))));
console.log(JSON.stringify({ uncaught, replies, after: last }));
client.close();
server.forceShutdown();
