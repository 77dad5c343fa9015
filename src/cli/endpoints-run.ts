/**
 * `fairlead endpoints` at work: resolves a target, connects to no endpoint, and prints.
 */
import {
  createResolver,
  type EndpointSet,
  parseTarget,
  type Resolver,
  type ResolverListener,
} from "../discovery/index.ts";
import { openFor } from "./discovery.ts";
import type { EndpointsOptions } from "./endpoints.ts";
import {
  type EndpointsDocument,
  endpointsDocument,
  renderChange,
  renderEndpoints,
} from "./endpoints-view.ts";
import { aborted, createSystem, type System, stdoutGone, stopSignal, writeOut } from "./system.ts";
import { CommandError } from "./usage.ts";

/** How long to wait for the first set. */
export const WAIT_MS = 5000;

/**
 * Prints the endpoints of `target`; with --watch also each change, until a signal comes or nobody
 * reads any more.
 * @returns the exit code: 1 when the name is known to nobody.
 * @throws CommandError when it cannot be resolved in time.
 */
export async function runEndpoints(target: string, options: EndpointsOptions): Promise<number> {
  const system = await createSystem(options);
  if (parseTarget(target).kind === "xds") {
    const { runXdsEndpoints } = await import("./xds-endpoints-run.ts");
    return await runXdsEndpoints(target, options, system);
  }
  const printer = new Printer(target, options, system);
  const discovery = await openFor([target], options, system);
  try {
    await print(createResolver(target, discovery.deps), printer, options, system);
  } finally {
    discovery.close();
  }
  await printer.written;
  const { document } = printer;
  return document !== null && (document.endpoints.length > 0 || !printer.isAbsent) ? 0 : 1;
}

/** Resolves when all is told that was asked for. */
async function print(
  resolver: Resolver,
  printer: Printer,
  { watch }: EndpointsOptions,
  system: System,
): Promise<void> {
  const stop = AbortSignal.any([stopSignal(), stdoutGone()]);
  try {
    resolver.start(printer);
    await Promise.race([printer.first, aborted(stop), waited(system)]);
    const isLate = printer.document === null && !stop.aborted;
    if (isLate && !watch) throw new CommandError(printer.problem);
    if (watch) await aborted(stop);
  } finally {
    resolver.close();
  }
}

/** Prints sets as they come: the first one only, or all of them. */
class Printer implements ResolverListener {
  readonly #target: string;
  readonly #options: EndpointsOptions;
  readonly #system: System;
  document: EndpointsDocument | null = null;
  /** The source says that there is no such name. */
  isAbsent = false;
  /** Why there is no set yet. */
  problem: string;
  /** Why the source, or a part of it, is away; null when it is not. */
  #away: string | null = null;
  /** Resolves when all that was printed is on its way. */
  written: Promise<void> = Promise.resolve();
  readonly first: Promise<void>;
  #onFirst: () => void = () => {};

  constructor(target: string, options: EndpointsOptions, system: System) {
    this.#target = target;
    this.#options = options;
    this.#system = system;
    this.problem = `${target} cannot be resolved: no answer within ${WAIT_MS / 1000} s`;
    this.first = new Promise((resolve) => {
      this.#onFirst = resolve;
    });
  }

  onEndpoints(set: EndpointSet): void {
    const before = this.document;
    if (before !== null && !this.#options.watch) return;
    this.isAbsent = set.isAbsent === true;
    if (set.isStale !== true) this.#noteBack();
    this.document = endpointsDocument(this.#target, set, this.#away);
    const text = this.#text(before, this.document);
    this.written = Promise.all([this.written, writeOut(text)]).then(() => {});
    this.#onFirst();
  }

  onError(reason: string): void {
    this.problem = `${this.#target} cannot be resolved: ${reason}`;
    this.#away = reason;
    if (!this.#options.watch) return;
    const msg = this.document === null ? "cannot resolve" : "endpoints may be out of date";
    this.#system.log.warn(msg, { target: this.#target, reason });
  }

  #noteBack(): void {
    if (this.#away === null) return;
    this.#away = null;
    // On the level of what it takes back: by default nothing else is shown.
    const { log } = this.#system;
    if (this.#options.watch) log.warn("the source of endpoints is back", { target: this.#target });
  }

  #text(before: EndpointsDocument | null, after: EndpointsDocument): string {
    const { output, watch } = this.#options;
    if (output === "json") return `${JSON.stringify(after, null, watch ? 0 : 2)}\n`;
    const isWide = output === "wide";
    if (before === null) return renderEndpoints(after, isWide);
    const time = new Date(this.#system.clock.wallMs()).toISOString();
    return renderChange(before, after, isWide, time);
  }
}

/** Resolves when the first set is late. */
export function waited({ clock }: System): Promise<void> {
  return new Promise((resolve) => clock.setTimer(WAIT_MS, resolve).unref());
}
