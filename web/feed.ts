/**
 * The page's state: what the lab's event stream says, as signals.
 *
 * EventSource connects again by itself when the stream breaks; every connection begins with a
 * `hello` that replaces everything.
 */
import { signal } from "@preact/signals";
import type { Hello, Sample } from "../src/lab/page/page-feed.ts";

/** Columns the page keeps per lane; older ones go. */
const COLUMNS_MAX = 480;

/** How the page stands to the lab. `ended` is final: the lab said goodbye. */
export type Link = "connecting" | "open" | "lost" | "ended";

/** What stays the same during a run, or null before the first `hello`. */
export const hello = signal<Hello | null>(null);
/** The latest figures. */
export const latest = signal<Sample | null>(null);
/** Whether the stream is open. */
export const link = signal<Link>("connecting");
/** Columns of calls per pod, by lane, oldest first. Replaced at every sample. */
export const histories = signal<Readonly<Record<string, readonly (readonly number[])[]>>>({});

/** Opens the stream; it stays open until the lab ends. */
export function follow(): void {
  const source = new EventSource("/events");
  source.addEventListener("hello", (event) => {
    const value = JSON.parse((event as MessageEvent<string>).data) as Hello;
    hello.value = value;
    histories.value = value.histories;
    latest.value = value.now;
    link.value = "open";
  });
  source.addEventListener("sample", (event) => {
    const value = JSON.parse((event as MessageEvent<string>).data) as Sample;
    histories.value = Object.fromEntries(
      value.lanes.map(({ name, column }) => [
        name,
        [...(histories.value[name] ?? []), column].slice(-COLUMNS_MAX),
      ]),
    );
    latest.value = value;
    if (value.isLast) {
      link.value = "ended";
      source.close();
    }
  });
  source.addEventListener("error", () => {
    link.value = "lost";
  });
}
