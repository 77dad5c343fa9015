/**
 * `fairlead endpoints xds:///NAME` at work: prints what the xDS server says, once or with each
 * change.
 */
import { visibleLines } from "../base/index.ts";
import type { EndpointsOptions } from "./endpoints.ts";
import { WAIT_MS, waited } from "./endpoints-run.ts";
import { renderChange, renderEndpoints } from "./endpoints-view.ts";
import { aborted, type System, stdoutGone, stopSignal, writeOut } from "./system.ts";
import { CommandError } from "./usage.ts";
import { XdsEndpoints, type XdsEndpointsDocument } from "./xds-endpoints.ts";
import { XdsLook } from "./xds-look.ts";
import { renderXdsParts } from "./xds-view.ts";

/**
 * Prints the endpoints of `target`; with --watch also each change, until a signal comes or nobody
 * reads any more.
 * @returns the exit code: 1 when the server has nothing of that name.
 * @throws CommandError (rejects) when it cannot be resolved in time.
 */
export async function runXdsEndpoints(
  target: string,
  options: EndpointsOptions,
  system: System,
): Promise<number> {
  const { watch } = options;
  const stop = AbortSignal.any([stopSignal(), stdoutGone()]);
  const look = await XdsLook.open(target, options, system);
  const printer = new Printer(options, system);
  let onFirst = (): void => {};
  const first = new Promise<void>((resolve) => {
    onFirst = resolve;
  });
  const endpoints = new XdsEndpoints(target, look, () => {
    const document = endpoints.document();
    if (document === null) {
      if (watch) printer.warn(target, endpoints.reason);
      return;
    }
    printer.print(document);
    onFirst();
  });
  try {
    endpoints.start();
    await Promise.race([first, aborted(stop), waited(system)]);
    if (printer.printed === null && !stop.aborted && !watch) {
      const reason = endpoints.reason ?? `no answer within ${WAIT_MS / 1000} s`;
      throw new CommandError(`${target} cannot be resolved: ${reason}`);
    }
    if (watch) await aborted(stop);
  } finally {
    endpoints.close();
  }
  await printer.written;
  return printer.printed === null || endpoints.isAbsent ? 1 : 0;
}

/** Prints documents as they come: the first one only, or what each has changed. */
class Printer {
  readonly #options: EndpointsOptions;
  readonly #system: System;
  printed: XdsEndpointsDocument | null = null;
  /** Resolves when all that was printed is on its way. */
  written: Promise<void> = Promise.resolve();
  #warned: string | null = null;

  constructor(options: EndpointsOptions, system: System) {
    this.#options = options;
    this.#system = system;
  }

  print(document: XdsEndpointsDocument): void {
    const before = this.printed;
    if (before !== null && !this.#options.watch) return;
    if (JSON.stringify(before) === JSON.stringify(document)) return;
    this.printed = document;
    if (before !== null) this.warn(document.target, document.stale);
    this.written = Promise.all([this.written, writeOut(this.#text(before, document))]).then();
  }

  /** That nothing can be said, or that what was said may be old. */
  warn(target: string, reason: string | null): void {
    if (reason === this.#warned) return;
    this.#warned = reason;
    const { log } = this.#system;
    if (reason === null) log.warn("the xDS server is back", { target });
    else {
      const msg = this.printed === null ? "cannot resolve" : "endpoints may be out of date";
      log.warn(msg, { target, reason });
    }
  }

  #text(before: XdsEndpointsDocument | null, after: XdsEndpointsDocument): string {
    const { output, watch } = this.#options;
    if (output === "json") return `${JSON.stringify(after, null, watch ? 0 : 2)}\n`;
    const isWide = output === "wide";
    const parts = renderXdsParts(after);
    if (before === null) return renderEndpoints(after, isWide, parts);
    const time = new Date(this.#system.clock.wallMs()).toISOString();
    const isSame = renderXdsParts(before).join("\n") === parts.join("\n");
    return `${renderChange(before, after, isWide, time)}${isSame ? "" : visibleLines(parts)}`;
  }
}
