/**
 * Program: nice-grpc over the grpc-js that is installed with it, round_robin over the servers.
 *
 * It knows no deadlines: its users take a middleware that aborts the call after so long, and what
 * that does is done here.
 */
import { pathToFileURL } from "node:url";
import { drive } from "./drive.ts";
import type { Fields } from "./metadata.ts";
import {
  CHAT,
  DEADLINE_MS,
  MESSAGE_BYTES,
  type Plan,
  ROUND_ROBIN,
  SAY,
  STREAM_MESSAGES,
  targetOf,
} from "./plan.ts";

/** What is used of nice-grpc, which is no dependency of this package. */
interface NiceGrpc {
  Metadata(fields?: Fields): object;
  createChannel(target: string, credentials: undefined, options: object): object;
  createClient(definition: object, channel: object): EchoClient;
}
interface EchoClient {
  say(request: Buffer, options: CallOptions): Promise<Buffer>;
  chat(requests: AsyncIterable<Buffer>, options: CallOptions): AsyncIterable<Buffer>;
}
interface CallOptions {
  readonly signal: AbortSignal;
  readonly metadata?: object;
}

const same = (bytes: Buffer) => bytes;
const codec = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
  options: {},
};
const ECHO = {
  say: { path: SAY, requestStream: false, responseStream: false, ...codec },
  chat: { path: CHAT, requestStream: true, responseStream: true, ...codec },
};
const message = Buffer.alloc(MESSAGE_BYTES, 0x78);

async function* requests() {
  for (let i = 0; i < STREAM_MESSAGES; i += 1) yield message;
}

await drive(async (plan: Plan) => {
  const path = plan.entries["nice-grpc"] as string;
  const { Metadata, createChannel, createClient } = (await import(
    pathToFileURL(path).href
  )) as NiceGrpc;
  const options = { "grpc.service_config": ROUND_ROBIN };
  const channel = createChannel(targetOf(plan.addresses), undefined, options);
  const client = createClient(ECHO, channel);
  const withDeadline = async <T>(
    fields: Fields | null,
    call: (options: CallOptions) => Promise<T>,
  ): Promise<T> => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), DEADLINE_MS);
    const { signal } = controller;
    try {
      return await call(fields === null ? { signal } : { signal, metadata: Metadata(fields) });
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    unary: (fields, onEnd) => {
      withDeadline(fields, (options) => client.say(message, options)).then(
        (answer) => onEnd(null, answer.length),
        (error: unknown) => onEnd(error, 0),
      );
    },
    chat: (fields, onMessage) =>
      withDeadline(fields, async (options) => {
        for await (const _ of client.chat(requests(), options)) onMessage();
      }),
  };
});
