/**
 * What callers and pods of the rollouts agree in: two methods, the metadata that tells calls apart,
 * and the lines of the journals in which each side writes down what it saw.
 *
 * Journals are files that are appended to with one write a line, so that what a process wrote is
 * there even when it is killed. Messages are bytes; nothing here knows a library.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

const same = (bytes: Buffer): Buffer => bytes;

const codec = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
} as const;

/** The service as `@grpc/grpc-js` wants it. */
export const ECHO = {
  /** One message, sent back after `x-sleep-ms`. */
  say: { path: "/rollouts.Echo/Say", requestStream: false, responseStream: false, ...codec },
  /** Each message is sent back at once. */
  chat: { path: "/rollouts.Echo/Chat", requestStream: true, responseStream: true, ...codec },
} as const;

/** Names of metadata: the call's id, how long `say` takes, and who answers. */
export const KEY = { id: "x-call-id", sleepMs: "x-sleep-ms", pod: "x-pod" } as const;

/** What a caller writes when a call begins. */
export interface CallBegun {
  readonly at: "begin";
  readonly id: string;
  readonly kind: "unary" | "stream";
  /** Milliseconds since 1970, of the machine's one clock. */
  readonly ms: number;
}

/** What a caller writes when a call is over. */
export interface CallEnded {
  readonly at: "end";
  readonly id: string;
  readonly ms: number;
  /** gRPC status. */
  readonly code: number;
  readonly details: string;
  /** Who answered, as the initial metadata said; null when none came. */
  readonly pod: string | null;
  /** Whether the caller gave it up itself. */
  readonly isCancelled: boolean;
}

/** What a pod writes when its handler is entered, and when it is left or its call cancelled. */
export interface Execution {
  readonly at: "enter" | "leave" | "cancel";
  readonly id: string;
  readonly ms: number;
}

/** A journal that is being written. */
export class JournalWriter<Line extends object> {
  readonly #fd: number;

  /** Appends to the file at `path`. */
  constructor(path: string) {
    this.#fd = openSync(path, "a");
  }

  write(line: Line): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** All lines of a journal; of one that does not exist none. */
export function readJournal<Line extends object>(path: string): Line[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
