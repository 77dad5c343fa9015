/**
 * The page of a running lab: finds its port and feeds it. Neither the HTTP server
 * (`page-server.ts`) nor the document (`page-document.ts`).
 */

import { ActionError, parseAction } from "../actions.ts";
import { LabError } from "../error.ts";
import type { Lab } from "../lab.ts";
import { ACTION_LIMITS, type PageAddress, PODS_MAX } from "../options.ts";
import { pageDocument } from "./page-document.ts";
import { type Hello, laneSample, type Sample } from "./page-feed.ts";
import { type ActAnswer, listenHere, type PageServer, servePage } from "./page-server.ts";

/** How often the page gets a sample, and the width of a column of its heat strip. */
export const INTERVAL_MS = 500;
/** Of the latest events a sample has so many. */
const EVENTS_SHOWN = 100;
/** How many ports after the default one are tried. */
const MORE_PORTS = 10;

/** The page while it is served. */
export interface Page {
  readonly url: string;
  /** What the user should know about the page, or null. */
  readonly notice: string | null;
  /** Sends what the lab looks like now; `columns` are the calls of the interval just closed. */
  update(columns: readonly (readonly number[])[], isLast: boolean): void;
  close(): Promise<void>;
}

/** No page, and why if that needs saying. */
export interface NoPage {
  readonly url: null;
  readonly notice: string | null;
}

/**
 * Serves the page of `lab` on the address that the user named, or on the first free port from the
 * default one. `command` is the command line to show. Throws `LabError` when a named one cannot be
 * had.
 */
export async function openPage(
  address: PageAddress | null,
  lab: () => Lab,
  command: string,
  listen = listenHere,
): Promise<Page | NoPage> {
  if (address === null) return { url: null, notice: null };
  const content = {
    document: cached(pageDocument),
    hello: () => hello(lab(), command),
    act: (text: string) => act(lab(), text),
  };
  const last = address.port + (address.isExplicit ? 0 : MORE_PORTS);
  for (let port = address.port; port <= last; port += 1) {
    try {
      const server = await servePage(address.host, port, content, listen);
      const moved = `port ${address.port} is in use, so the page is on ${server.url}`;
      const notice = address.isExplicit || port === address.port ? null : moved;
      return page(server, lab, notice);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (address.isExplicit) throw new LabError(refusal(address, code, message));
      if (code !== "EADDRINUSE") return { url: null, notice: `no page: ${message}` };
    }
  }
  return { url: null, notice: `no page: ports ${address.port} to ${last} are in use` };
}

function refusal(address: PageAddress, code: string | undefined, message: string): string {
  const where = `--page ${address.host}:${address.port}`;
  return code === "EADDRINUSE"
    ? `${where}: the port is in use; give another one, or none`
    : `${where}: cannot listen there (${message})`;
}

function page(server: PageServer, lab: () => Lab, notice: string | null): Page {
  return {
    url: server.url,
    notice,
    update: (columns, isLast) => server.send(sample(lab(), columns, isLast)),
    close: () => server.close(),
  };
}

function sample(lab: Lab, columns: readonly (readonly number[])[], isLast: boolean): Sample {
  return {
    elapsedMs: Math.round(lab.elapsedMs),
    isLast,
    pods: podSamples(lab),
    wantedPods: lab.wantedPods,
    events: lab.events.slice(-EVENTS_SHOWN),
    columnCount: lab.columnCount,
    problem: lab.problem,
    laneChoices: lab.laneChoices,
    load: lab.load,
    lanes: lab.views().map((lane, index) => laneSample(lane, lab.pods, columns[index] ?? [])),
  };
}

function podSamples({ pods, podStates, slowPods, notServingPods, sickPods }: Lab): Sample["pods"] {
  return pods.map((name, index) => ({
    name,
    state: podStates[index]!,
    isSlow: slowPods.includes(name),
    isNotServing: notServingPods.includes(name),
    isSick: sickPods.includes(name),
  }));
}

function act(lab: Lab, text: string): ActAnswer {
  try {
    const refusal = lab.act(parseAction(text, ACTION_LIMITS));
    return refusal === null ? { status: 204 } : { status: 409, reason: refusal };
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    return { status: 400, reason: error.message };
  }
}

function hello(lab: Lab, command: string): Hello {
  return {
    podsMax: PODS_MAX,
    intervalMs: INTERVAL_MS,
    command,
    clusterIpBy: lab.clusterIpBy,
    histories: lab.histories(),
    now: sample(lab, [], false),
  };
}

/** Builds once; a build that failed is tried again for the next request. */
function cached(build: () => Promise<string>): () => Promise<string> {
  let built: Promise<string> | null = null;
  return () => {
    built ??= build().catch((error) => {
      built = null;
      throw error;
    });
    return built;
  };
}
