/**
 * The messages of an answer between the wire and their reader: cut from the bytes, kept until they
 * are asked for, and paid for with credit then, so that a reader slows its own server only.
 *
 * What nobody has asked for stays as it came: a few kilobytes of gzip may stand for megabytes, and
 * credit counts what came. How the call ends is the call's business.
 */
import { type FramingFault, MessageReader, Status } from "../../grpc/index.ts";
import { decompress, encodingOf } from "./compression.ts";

/** The call. Each method may call any method of the inbox. */
export interface InboxOwner {
  /** Grants bytes back to the server. */
  credit(bytes: number): void;
  /** A message that `read` asked for: whole, decompressed, the receiver's own. */
  onMessage(message: Buffer): void;
  /** A message that was asked for cannot be read: the call is over. */
  onBadMessage(code: Status, details: string): void;
}

/** A message that nobody has asked for yet. */
interface UnreadMessage {
  readonly bytes: Buffer;
  readonly isCompressed: boolean;
  /** Its bytes on the wire, as far as the server has no credit for them. */
  readonly heldBytes: number;
}

/** Characters of a server's own words that are shown. */
const SHOWN_MAX = 100;

/** See the head of this file. */
export class Inbox extends MessageReader {
  /** How the server compresses, as its headers say. One that is unknown matters when it is used. */
  encodingName = "identity";
  readonly #owner: InboxOwner;
  /** Messages asked for and not delivered. */
  #wanted = 0;
  #unread: UnreadMessage[] | null = null;
  #isClosed = false;
  /** Response bytes that the server gets no credit for yet. */
  #heldBytes = 0;
  /** Bytes of the message on its way that it did get credit for. */
  #partialReleased = 0;
  /** Inside `recv`, whose result is credit: what was released there. */
  #isReceiving = false;
  #releasedBytes = 0;

  /** @param bytesMax of one message; Infinity for no limit. */
  constructor(owner: InboxOwner, bytesMax: number) {
    super(bytesMax);
    this.#owner = owner;
  }

  /** Whether messages wait for their reader. */
  get hasUnread(): boolean {
    return this.#unread !== null;
  }

  /** Asks for one message more. */
  read(): void {
    this.#wanted += 1;
    while (this.#wanted > 0 && this.#unread !== null && this.#unread.length > 0) {
      const { bytes, isCompressed, heldBytes } = this.#unread.shift()!;
      if (this.#unread.length === 0) this.#unread = null;
      this.#release(heldBytes);
      this.#deliver(bytes, isCompressed);
    }
    this.#releasePartial();
  }

  /** Takes response bytes[start, end), which are not kept; `takeDone` follows unless it faults. */
  recv(bytes: Uint8Array, start: number, end: number): FramingFault {
    this.#heldBytes += end - start;
    this.#isReceiving = true;
    this.#releasedBytes = 0;
    const fault = this.push(bytes, start, end);
    this.#releasePartial();
    this.#isReceiving = false;
    return fault;
  }

  /** How many of the `count` bytes of the last `recv` are done with. */
  takeDone(count: number): number {
    const done = Math.min(this.#releasedBytes, count);
    // What earlier frames brought is credited apart: the engine counts it as held.
    if (this.#releasedBytes > done) this.#owner.credit(this.#releasedBytes - done);
    return done;
  }

  /** Nothing is delivered any more. */
  close(): void {
    this.#isClosed = true;
    this.#unread = null;
  }

  override onWholeMessage(bytes: Buffer, isCompressed: boolean, wireBytes: number): boolean {
    const heldBytes = wireBytes - this.#partialReleased;
    this.#partialReleased = 0;
    if (this.#wanted > 0 && this.#unread === null) {
      this.#release(heldBytes);
      this.#deliver(bytes, isCompressed);
    } else {
      this.#unread ??= [];
      this.#unread.push({ bytes, isCompressed, heldBytes });
    }
    return !this.#isClosed;
  }

  #deliver(bytes: Buffer, isCompressed: boolean): void {
    const message = isCompressed ? this.#decompress(bytes) : bytes;
    if (message === null) return;
    this.#wanted -= 1;
    this.#owner.onMessage(message);
  }

  /** Null when it cannot be read. */
  #decompress(bytes: Buffer): Buffer | null {
    const encoding = encodingOf(this.encodingName);
    if (encoding === null || encoding === "identity") {
      // compression.md has INTERNAL for clients, and UNIMPLEMENTED for servers.
      const shown = JSON.stringify(this.encodingName.slice(0, SHOWN_MAX));
      const details = `a received message is compressed, and its grpc-encoding is ${shown}`;
      this.#owner.onBadMessage(Status.INTERNAL, details);
      return null;
    }
    const message = decompress(encoding, bytes, this.messageBytesMax);
    if (typeof message !== "string") return message;
    if (message === "corrupt") {
      const details = `a received message is not valid ${encoding}`;
      this.#owner.onBadMessage(Status.INTERNAL, details);
    } else {
      const limit = `${this.messageBytesMax} bytes when decompressed`;
      const details = `a received message is larger than ${limit}`;
      this.#owner.onBadMessage(Status.RESOURCE_EXHAUSTED, details);
    }
    return null;
  }

  /** Somebody waits for the message that is on its way: the server may send all of it. */
  #releasePartial(): void {
    if (this.#wanted === 0 || this.#unread !== null || this.#heldBytes === 0) return;
    this.#partialReleased += this.#heldBytes;
    this.#release(this.#heldBytes);
  }

  /** Credit to the server for bytes that were held. */
  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    if (this.#isReceiving) this.#releasedBytes += bytes;
    else this.#owner.credit(bytes);
  }
}
