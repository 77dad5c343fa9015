/**
 * A log that passes its lines on to whoever listens by then; none are kept.
 */
import type { Logger } from "../../base/index.ts";

/** @param fields are added to each line. */
export function relayLogger(
  listeners: ReadonlySet<Logger>,
  fields: Readonly<Record<string, unknown>> = {},
): Logger {
  const relay =
    (level: Exclude<keyof Logger, "child">) =>
    (msg: string, more: Readonly<Record<string, unknown>> = {}): void => {
      for (const listener of listeners) listener[level](msg, { ...fields, ...more });
    };
  return {
    trace: relay("trace"),
    debug: relay("debug"),
    info: relay("info"),
    warn: relay("warn"),
    error: relay("error"),
    child: (more) => relayLogger(listeners, { ...fields, ...more }),
  };
}
