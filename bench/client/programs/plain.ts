/** A client as code without a framework has it: fairlead's own API, and messages of bytes. */
import type { BenchClient } from "./drive.ts";
import type { Fields } from "./metadata.ts";
import { CHAT, DEADLINE_MS, MESSAGE_BYTES, SAY, STREAM_MESSAGES, targetOf } from "./plan.ts";

/** What is used of `fairlead`. */
export interface PlainEntry {
  createChannel(target: string, options: object): Channel;
}
interface Channel {
  unary(method: object, request: Uint8Array, options: CallOptions): Promise<Uint8Array>;
  bidi(
    method: object,
    requests: AsyncIterable<Uint8Array>,
    options: CallOptions,
  ): AsyncIterable<Uint8Array>;
}
interface CallOptions {
  readonly timeoutMs: number;
  readonly metadata?: Fields;
}

const same = (bytes: Uint8Array) => bytes;
const say = { path: SAY, encode: same, decode: same };
const chat = { path: CHAT, encode: same, decode: same };
const message = Buffer.alloc(MESSAGE_BYTES, 0x78);

/** A client over all addresses; `options` are createChannel's. */
export function openPlain(
  { createChannel }: PlainEntry,
  addresses: readonly string[],
  options: object,
): BenchClient {
  const channel = createChannel(targetOf(addresses), options);
  return {
    unary: (fields, onEnd) => {
      channel.unary(say, message, optionsOf(fields)).then(
        (answer) => onEnd(null, answer.length),
        (error: unknown) => onEnd(error, 0),
      );
    },
    chat: async (fields, onMessage) => {
      for await (const _ of channel.bidi(chat, requests(), optionsOf(fields))) onMessage();
    },
  };
}

function optionsOf(fields: Fields | null): CallOptions {
  if (fields === null) return { timeoutMs: DEADLINE_MS };
  return { timeoutMs: DEADLINE_MS, metadata: fields };
}

async function* requests() {
  for (let i = 0; i < STREAM_MESSAGES; i += 1) yield message;
}
