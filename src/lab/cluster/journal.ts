/**
 * The journal of the store: every change as a line of JSON in a file, so that an API server that
 * was killed comes back with its objects, its resourceVersions and its history.
 *
 * Written before anybody hears of the change, and not synced: it outlives the process, not the
 * machine. A last line that is cut off was never told to anyone, and is dropped.
 */
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { LabError } from "../error.ts";
import type { Store, StoreRecord } from "./store.ts";

/** An open journal. */
export interface Journal {
  /** Forgets history, here and in the store; a later start knows of it. */
  compact(): void;
  close(): void;
}

/**
 * Replays a file into an empty store and writes what comes from now on behind it. The file is made
 * when it does not exist. Throws `LabError` when it is no journal, and the system's error when it
 * cannot be opened.
 */
export function openJournal(path: string, store: Store): Journal {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const end = text.lastIndexOf("\n") + 1;
  for (const [index, line] of text.slice(0, end).split("\n").entries()) {
    if (line !== "") store.replay(parseRecord(line, `${path}:${index + 1}`));
  }
  const file = openSync(path, "a");
  ftruncateSync(file, Buffer.byteLength(text.slice(0, end)));
  const append = (record: StoreRecord): void => {
    writeSync(file, `${JSON.stringify(record)}\n`);
  };
  const stop = store.onEvent(({ type, revision, kind, object }) => {
    append({ type, revision, kind, object });
  });
  return {
    compact: () => {
      store.compact();
      append({ type: "COMPACTED", revision: store.revision });
    },
    close: () => {
      stop();
      closeSync(file);
    },
  };
}

function parseRecord(line: string, where: string): StoreRecord {
  try {
    const record = JSON.parse(line) as Partial<StoreRecord>;
    if (typeof record.revision === "number" && typeof record.type === "string") {
      return record as StoreRecord;
    }
  } catch {
    // Said below.
  }
  throw new LabError(`${where}: is no line of a journal of the lab's API server`);
}
