/**
 * A program that makes one call and closes nothing, for a test: it must end by itself. Its server
 * is a child of it, so that nothing but the client could keep it alive.
 */
import { spawn } from "node:child_process";
import { Client, credentials } from "@grpc/grpc-js";
import { fairleadChannel } from "./public.ts";

const SERVER = `
  const { Server, ServerCredentials } = require("@grpc/grpc-js");
  const same = (bytes) => bytes;
  const server = new Server();
  server.register("/test.Echo/Say", (call, done) => done(null, call.request), same, same, "unary");
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, port) => {
    process.stdout.write(port + "\\n");
  });
  process.stdin.on("end", () => process.exit()).resume();
`;
const child = spawn(process.execPath, ["-e", SERVER], { stdio: ["pipe", "pipe", "inherit"] });
const port = await new Promise<string>((resolve) => {
  child.stdout.once("data", (bytes) => resolve(String(bytes).trim()));
});
const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
  channelFactoryOverride: fairleadChannel(),
});
const same = (bytes: Buffer): Buffer => bytes;
client.makeUnaryRequest("/test.Echo/Say", same, same, Buffer.from("hi"), (error, reply) => {
  console.log(error === null ? String(reply) : error.message);
  // The server goes when this process does.
  child.unref();
  (child.stdout as unknown as { unref(): void }).unref();
  (child.stdin as unknown as { unref(): void }).unref();
});
