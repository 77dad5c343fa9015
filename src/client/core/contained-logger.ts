/**
 * A log of a user, whose exceptions stay in it: a line that cannot be written is lost, and neither
 * a connection nor a call feels it. The interface promises that a log never throws; this keeps the
 * promise for code that is not ours.
 */
import { type Logger, silentLogger } from "../../base/index.ts";

type Fields = Readonly<Record<string, unknown>>;

/** By the user's own object: channels that agree in their settings share connections. */
const contained = new WeakMap<Logger, Logger>([[silentLogger, silentLogger]]);

/** The same one for the same `log`; it may be contained already. */
export function containedLogger(log: Logger): Logger {
  const known = contained.get(log);
  if (known !== undefined) return known;
  const made = contain(log, {});
  contained.set(log, made).set(made, made);
  return made;
}

/** @param added fields that `log` does not add by itself. */
function contain(log: Logger, added: Fields): Logger {
  const write =
    (level: Exclude<keyof Logger, "child">) =>
    (msg: string, fields: Fields = {}): void => {
      try {
        log[level](msg, { ...added, ...fields });
      } catch {
        // There is no other log that could tell of it.
      }
    };
  return {
    trace: write("trace"),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => {
      const child = childOf(log, fields);
      return child === null ? contain(log, { ...added, ...fields }) : contain(child, added);
    },
  };
}

/** Null when it has none to give. */
function childOf(log: Logger, fields: Record<string, unknown>): Logger | null {
  try {
    const child: unknown = log.child(fields);
    return typeof child === "object" ? (child as Logger | null) : null;
  } catch {
    return null;
  }
}
