/**
 * The lines above the lab's pictures: what it is, how it is reached, its keys, and what was done.
 */

import { loadWords } from "../figures/load-words.ts";
import { clockText } from "../figures/number-words.ts";
import type { LabEvent, LabView } from "../view.ts";
import { type Pen, wrap } from "./table-pen.ts";

type Access = NonNullable<LabView["access"]>;

/** The first line: the parts that there is room for. */
export function titleLine(view: LabView, pen: Pen): string {
  const dot = pen.plain(" · ");
  const { rate, cost } = loadWords(view.load);
  const pods = view.podStates.filter((state) => state === "ready").length;
  // The most important first, each with its place in the line.
  const parts: [number, string][] = [
    [0, "fairlead lab"],
    ...(view.pageUrl === null ? [] : ([[5, view.pageUrl]] satisfies [number, string][])),
    [1, `${pods} pods`],
    [4, clockText(view.elapsedMs)],
    [2, rate],
    [3, cost],
  ];
  const text = (some: typeof parts): string[] =>
    some.toSorted(([a], [b]) => a - b).map(([, part]) => part);
  while (parts.length > 1 && text(parts).join(dot).length > pen.size.columns) parts.pop();
  const [name, ...rest] = text(parts).map((part) => pen.cut(part, pen.size.columns));
  return [pen.style("bold", name!), ...rest].join(dot);
}

/** How other programs reach the pods, to be copied: what is there is whole; null without room. */
export function accessLine({ access }: LabView, pen: Pen): string | null {
  const text = access === null ? null : accessText(access, pen);
  return text === null ? null : pen.style("dim", text);
}

/** What the keys do; a hint of several lines is wrapped, one of a line is cut to what is whole. */
export function hintLines({ hint }: LabView, pen: Pen): string[] {
  if (hint === null) return [];
  const { columns } = pen.size;
  const lines = hint.split("\n");
  if (lines.length > 1)
    return lines.flatMap((line) => wrap(line, columns)).map((line) => pen.style("dim", line));
  const text = fitting(hint, columns);
  return text === "" ? [] : [pen.style("dim", text)];
}

/** The latest events, oldest first. */
export function eventLines({ events }: LabView, count: number, pen: Pen): string[] {
  const shown = count < events.length ? events.slice(events.length - count) : events;
  return shown.map((event) => pen.cut(eventText(event), pen.size.columns));
}

/** What the user should know at once: a remark, or that the load is held back. */
export function noticeLines({ notice, load }: LabView, pen: Pen): string[] {
  const said = [notice, loadWords(load).heldBack].filter((text) => text !== null);
  return said.map((text) => pen.style("yellow", pen.cut(text, pen.size.columns)));
}

/** "00:05 echo-2 slow x10" */
export function eventText({ atMs, text }: LabEvent): string {
  return `${clockText(atMs)} ${text}`;
}

function accessText({ kubeconfig, target }: Access, pen: Pen): string | null {
  const variable = `KUBECONFIG=${kubeconfig}`;
  const texts = [`${variable} ${target}`, variable, target];
  return texts.find((text) => text.length <= pen.size.columns) ?? null;
}

/** As many of the keys as there is room for. */
function fitting(hint: string, width: number): string {
  const keys = hint.split(", ");
  while (keys.join(", ").length > width) keys.pop();
  return keys.join(", ");
}
