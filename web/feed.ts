/**
 * The page's state: what the lab's event stream says, as signals.
 *
 * Every connection begins with a `hello` that replaces everything, so a page outlives its lab: it
 * keeps the last figures, tries again, and shows the next run as soon as there is one.
 */
import { signal } from "@preact/signals";
import { applied, type Delta } from "../src/lab/page/page-delta.ts";
import type { Column, Hello, Sample } from "../src/lab/page/page-feed.ts";

/** Columns the page keeps; older ones go. */
const COLUMNS_MAX = 240;
/** Between two tries to reach the lab: at first, and at most. */
const RETRY_MS = 500;
const RETRY_MS_MAX = 4000;

/** How the page stands to the lab. `ended`: the lab said goodbye; another may come. */
export type Link = "connecting" | "open" | "lost" | "ended";

/** What stays the same during a run, or null before the first `hello`. */
export const hello = signal<Hello | null>(null);
/** The latest figures, ten times a second: for what is drawn. */
export const now = signal<Sample | null>(null);
/**
 * The same twice a second, and at once when something else than figures changed: for what is
 * read, because no one reads numbers that change ten times a second.
 */
export const calm = signal<Sample | null>(null);
/** Whether the stream is open. */
export const link = signal<Link>("connecting");
/** The latest columns, oldest first. */
export const columns = signal<readonly Column[]>([]);

let retryMs = RETRY_MS;

/** Opens the stream, and opens it again whenever it ends. */
export function follow(): void {
  const source = new EventSource("/events");
  source.addEventListener("hello", (event) => {
    retryMs = RETRY_MS;
    onHello(JSON.parse((event as MessageEvent<string>).data));
  });
  source.addEventListener("delta", (event) => {
    onDelta(JSON.parse((event as MessageEvent<string>).data));
  });
  // The browser's own retries end with the first answer that is no stream.
  source.addEventListener("error", () => {
    source.close();
    if (link.value !== "ended") link.value = "lost";
    setTimeout(follow, retryMs);
    retryMs = Math.min(retryMs * 1.5, RETRY_MS_MAX);
  });
}

function onHello(value: Hello): void {
  hello.value = value;
  columns.value = value.columns;
  now.value = value.now;
  calm.value = value.now;
  link.value = "open";
}

function onDelta({ now: changes, columns: closed }: Delta): void {
  if (now.value === null) return;
  const after = applied(now.value, changes);
  now.value = after;
  if (closed.length > 0) columns.value = [...columns.value, ...closed].slice(-COLUMNS_MAX);
  const { elapsedMs: _elapsedMs, lanesChanged: _lanesChanged, ...more } = changes;
  if (closed.length > 0 || Object.keys(more).length > 0) calm.value = after;
  if (after.isLast) link.value = "ended";
}
