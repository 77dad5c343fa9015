/**
 * Servers of protocols that are not gRPC, for what must pass through untouched: one in which the
 * server speaks first, an HTTP/1.1 server, TLS, and one that sends back all that it gets.
 *
 * Arguments: HOST CERT KEY. Prints "ready" when all listen.
 */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { PORTS } from "../ports.ts";

const [host = "", certFile = "", keyFile = ""] = process.argv.slice(2);
const servers = [
  // As MySQL: a greeting of which the client knows the version before it says a word.
  createServer((socket) => {
    socket.on("error", () => {}).write("J\0\0\0\x0a8.4.0-greets\0");
    socket.on("data", (bytes) => socket.end(`got ${bytes}`));
  }).listen(PORTS.serverFirst, host),
  createHttpServer((request, response) => {
    response.end(`${request.method} ${request.url} from ${request.socket.remoteAddress}`);
  }).listen(PORTS.http, host),
  createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (socket) => {
    socket.on("error", () => {}).pipe(socket);
  }).listen(PORTS.tls, host),
  createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {}).pipe(socket);
  }).listen(PORTS.echo, host),
];
await Promise.all(servers.map((server) => new Promise((done) => server.once("listening", done))));
process.stdout.write("ready\n");
