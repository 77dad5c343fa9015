/**
 * A client as code made for grpc-js has it: its generic `Client` and hand-written serialisers that
 * copy nothing, over whichever channel its options bring.
 */
import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  credentials,
  Metadata,
} from "@grpc/grpc-js";
import type { BenchClient } from "./drive.ts";
import type { Fields } from "./metadata.ts";
import { CHAT, DEADLINE_MS, MESSAGE_BYTES, SAY, STREAM_MESSAGES, targetOf } from "./plan.ts";

const same = (bytes: Buffer) => bytes;
const message = Buffer.alloc(MESSAGE_BYTES, 0x78);

/** A client over all addresses. */
export function openStub(addresses: readonly string[], options: ClientOptions): BenchClient {
  const client = new Client(targetOf(addresses), credentials.createInsecure(), options);
  return {
    unary: (fields, onEnd) => {
      const deadline = Date.now() + DEADLINE_MS;
      const metadata = metadataFrom(fields);
      client.makeUnaryRequest(SAY, same, same, message, metadata, { deadline }, (error, answer) => {
        onEnd(error, answer === undefined ? 0 : answer.length);
      });
    },
    chat: (fields, onMessage) => {
      const deadline = Date.now() + DEADLINE_MS;
      const metadata = metadataFrom(fields);
      const call = client.makeBidiStreamRequest(CHAT, same, same, metadata, { deadline });
      return new Promise((done, failed) => {
        call.on("data", onMessage);
        call.on("error", failed);
        call.on("end", done);
        writeAll(call);
      });
    },
  };
}

function metadataFrom(fields: Fields | null): Metadata {
  const metadata = new Metadata();
  if (fields !== null) for (const [name, value] of fields) metadata.set(name, value);
  return metadata;
}

function writeAll(call: ClientDuplexStream<Buffer, Buffer>): void {
  let sent = 0;
  const more = () => {
    while (sent < STREAM_MESSAGES) {
      sent += 1;
      if (!call.write(message)) {
        call.once("drain", more);
        return;
      }
    }
    call.end();
  };
  more();
}
