/**
 * A client of what is not gRPC: dials, and prints one JSON line with what it saw.
 *
 * Arguments: KIND HOST PORT. Kinds: `greeting` (reads before it writes), `http`, `tls`, `big` (64
 * MiB there and back, with a half-closed end), `connect` (and no more).
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { get } from "node:http";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

const BIG_BYTES = 64 * 1024 * 1024;

const [kind = "", host = "", portText = ""] = process.argv.slice(2);
const port = Number(portText);
const startedMs = performance.now();
const seen = await dial().catch((error: NodeJS.ErrnoException) => ({ error: error.code }));
process.stdout.write(`${JSON.stringify({ ...seen, ms: performance.now() - startedMs })}\n`);
process.exit(0);

async function dial(): Promise<Record<string, unknown>> {
  if (kind === "http") return await http();
  if (kind === "tls") return await tls();
  const socket = connect({ host, port, allowHalfOpen: true });
  await once(socket, "connect");
  if (kind === "connect") return {};
  if (kind === "big") return await big(socket);
  const [greeting] = await once(socket, "data");
  const greetedMs = performance.now() - startedMs;
  socket.end("SELECT 1");
  return { greeting: String(greeting), greetedMs, answer: await readAll(socket) };
}

async function http(): Promise<Record<string, unknown>> {
  const [response] = await once(get({ host, port, path: "/hello" }), "response");
  return { status: response.statusCode, body: await readAll(response) };
}

async function tls(): Promise<Record<string, unknown>> {
  const socket = connectTls({ host, port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  socket.write("over TLS");
  const [echoed] = await once(socket, "data");
  return { echoed: String(echoed), protocol: socket.getProtocol() };
}

async function big(socket: Socket): Promise<Record<string, unknown>> {
  const bytes = randomBytes(BIG_BYTES);
  const hash = createHash("sha256");
  let count = 0;
  socket.on("data", (chunk: Buffer) => {
    count += chunk.length;
    hash.update(chunk);
  });
  socket.end(bytes);
  await once(socket, "end");
  const isEqual = hash.digest("hex") === createHash("sha256").update(bytes).digest("hex");
  return { count, isEqual };
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
