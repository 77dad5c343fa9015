/**
 * The page of a running lab: finds its port and feeds it. Neither the HTTP server
 * (`page-server.ts`) nor the document (`page-document.ts`).
 */
import type { Clock } from "../../base/index.ts";
import { actionText } from "../actions.ts";
import type { Lab } from "../core/lab.ts";
import { LabError } from "../error.ts";
import { ACTION_LIMITS, type PageAddress } from "../options.ts";
import { ActionError, parseAction } from "../read-action.ts";
import { nextDueMs } from "../schedule.ts";
import { ask } from "../why/index.ts";
import { LiveFeed, type RunFacts } from "./live-feed.ts";
import { pageDocument } from "./page-document.ts";
import { type ActAnswer, listenHere, type PageServer, servePage } from "./page-server.ts";

/** How often open pages are told what changed. */
const PAGE_INTERVAL_MS = 100;
/** How many ports after the default one are tried. */
const MORE_PORTS = 10;

/** The page while it is served. */
export interface Page {
  readonly url: string;
  /** What the user should know about the page, or null. */
  readonly notice: string | null;
  /** An interval of the lab is closed: `columns` are its calls. The last one ends the feed. */
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
 * default one, and tells every open page ten times a second what changed. `commands` are those to
 * show. Throws `LabError` when a named address cannot be had.
 */
export async function openPage(
  address: PageAddress | null,
  lab: () => Lab,
  commands: Omit<RunFacts, "runId">,
  clock: Clock,
  listen = listenHere,
): Promise<Page | NoPage> {
  if (address === null) return { url: null, notice: null };
  const feed = new LiveFeed(lab, { ...commands, runId: clock.wallMs() });
  const content = {
    document: cached(pageDocument),
    hello: () => feed.hello(),
    act: (text: string) => act(lab(), text),
    ask: (path: string, params: URLSearchParams) => ask(lab(), path, params),
  };
  const last = address.port + (address.isExplicit ? 0 : MORE_PORTS);
  for (let port = address.port; port <= last; port += 1) {
    try {
      const server = await servePage(address.host, port, content, clock, listen);
      const moved = `port ${address.port} is in use, so the page is on ${server.url}`;
      const notice = address.isExplicit || port === address.port ? null : moved;
      return page(server, feed, notice, clock);
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

function page(server: PageServer, feed: LiveFeed, notice: string | null, clock: Clock): Page {
  const tell = (isLast: boolean): void => {
    if (feed.takeBegunAnew()) server.greet();
    if (server.openPages === 0) feed.forget();
    const delta = feed.delta(isLast);
    if (delta !== null) server.send(delta);
  };
  let dueMs = clock.nowMs() + PAGE_INTERVAL_MS;
  let timer = clock.setTimer(PAGE_INTERVAL_MS, function tick() {
    tell(false);
    // At fixed times: what the telling takes would make it less than ten a second.
    dueMs = nextDueMs(dueMs, clock.nowMs(), PAGE_INTERVAL_MS);
    timer = clock.setTimer(Math.max(0, dueMs - clock.nowMs()), tick);
  });
  return {
    url: server.url,
    notice,
    update(columns, isLast) {
      feed.close(columns);
      if (!isLast) return;
      timer.cancel();
      tell(true);
    },
    close() {
      timer.cancel();
      return server.close();
    },
  };
}

function act(lab: Lab, text: string): ActAnswer {
  try {
    const action = parseAction(text, ACTION_LIMITS);
    const last = lab.events.at(-1);
    const refusal = lab.act(action);
    if (refusal !== null) return { status: 409, reason: refusal };
    // Who named no pod is told which one it was.
    const told = lab.events.slice(last ? lab.events.lastIndexOf(last) + 1 : 0);
    const done = told.length > 0 ? told.map(({ event }) => event) : [actionText(action)];
    return { status: 200, done };
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    return { status: 400, reason: error.message };
  }
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
