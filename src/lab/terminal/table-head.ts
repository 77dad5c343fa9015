/**
 * The lines above the lab's table: what it is, how it is reached, its keys, and what was done.
 */

import type { LabEvent, LabView } from "../view.ts";
import type { Pen } from "./table-pen.ts";

type Access = NonNullable<LabView["access"]>;

/** The lines, none wider than the place. */
export function headLines(view: LabView, pen: Pen): string[] {
  const dot = pen.size.hasUnicode ? " · " : " - ";
  const pods = view.podStates.filter((state) => state === "ready").length;
  const parts = ["fairlead lab", `${pods} pods`, clockText(view.elapsedMs)];
  if (view.pageUrl) parts.push(view.pageUrl);
  while (parts.length > 1 && parts.join(dot).length > pen.size.columns) parts.splice(1, 1);
  const [name, ...rest] = parts.map((part) => pen.cut(part, pen.size.columns));
  const lines = [[pen.style("bold", name!), ...rest].join(dot)];
  const access = view.access === null ? null : accessText(view.access, pen);
  if (access !== null) lines.push(pen.style("dim", access));
  const hint = view.hint === null ? null : hintText(view.hint, pen);
  if (hint !== null) lines.push(pen.style("dim", hint));
  // A terminal has room for the last one; a file is read when all is over.
  const events = pen.size.rows === Number.POSITIVE_INFINITY ? view.events : view.events.slice(-1);
  for (const event of events) lines.push(pen.cut(eventText(event), pen.size.columns));
  if (view.notice) lines.push(pen.style("yellow", pen.cut(view.notice, pen.size.columns)));
  return lines;
}

/** To be copied into another terminal: what is there is whole. */
function accessText({ kubeconfig, target }: Access, pen: Pen): string | null {
  const variable = `KUBECONFIG=${kubeconfig}`;
  const texts = [`${variable} ${target}`, variable, target];
  return texts.find((text) => text.length <= pen.size.columns) ?? null;
}

/** As many of the keys as there is room for. */
function hintText(hint: string, pen: Pen): string | null {
  const keys = hint.split(", ");
  while (keys.join(", ").length > pen.size.columns) keys.pop();
  return keys.length === 0 ? null : keys.join(", ");
}

function eventText({ atMs, text }: LabEvent): string {
  return `${clockText(atMs)} ${text}`;
}

/** "00:12", or "1:00:12". */
function clockText(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  const two = (n: number): string => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${minutes}` : minutes;
}
