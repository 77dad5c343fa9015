/**
 * A pod: a stock gRPC server (grpc-js) that writes down the id of each call it executes.
 *
 *     pod.ts NAME HOST PORT JOURNAL
 *
 * Prints "ready" when it listens. SIGTERM: GOAWAY, calls in flight finish, exit 0. SIGUSR2: GOAWAY
 * on every connection, and it serves on.
 */
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  Metadata as ServerMetadata,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import { ECHO, type Execution, JournalWriter, KEY } from "../echo.ts";

const [name, host, port, file] = process.argv.slice(2);
/** From SIGTERM on: a call that takes longer shows as an exit code. */
const DRAIN_MS = 30_000;

const journal = new JournalWriter<Execution>(file);
const note = (at: Execution["at"], id: string): void => journal.write({ at, id, ms: Date.now() });

function first(metadata: Metadata, key: string): string {
  return String(metadata.get(key)[0] ?? "");
}

/** Writes the call down; answers its id. */
function enter(call: ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>): string {
  const id = first(call.metadata, KEY.id);
  note("enter", id);
  call.on("cancelled", () => note("cancel", id));
  return id;
}

/** Says who answers. From then on nobody sends the call again (gRFC A6): so it is said late. */
function introduce(call: { sendMetadata(metadata: Metadata): void }): void {
  const answer = new ServerMetadata();
  answer.set(KEY.pod, name);
  call.sendMetadata(answer);
}

function say(
  call: ServerUnaryCall<Buffer, Buffer>,
  reply: (error: null, answer: Buffer) => void,
): void {
  const id = enter(call);
  const answer = (): void => {
    note("leave", id);
    introduce(call);
    reply(null, call.request);
  };
  setTimeout(answer, Number(first(call.metadata, KEY.sleepMs)));
}

function chat(call: ServerDuplexStream<Buffer, Buffer>): void {
  const id = enter(call);
  call.on("error", () => {});
  call.once("data", () => introduce(call));
  call.on("data", (message: Buffer) => call.write(message));
  call.on("end", () => {
    note("leave", id);
    call.end();
  });
}

const server = new Server();
server.addService(ECHO, { say, chat });
server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  console.log("ready");
});
process.on("SIGUSR2", () => server.drain(`${host}:${port}`, DRAIN_MS));
process.once("SIGTERM", () => {
  server.tryShutdown(() => process.exit(0));
  setTimeout(() => process.exit(1), DRAIN_MS).unref();
});
