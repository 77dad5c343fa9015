/**
 * The interface of logging. What writes the lines is made in `cli` and passed in.
 *
 * A line is a constant message plus fields; values go into fields, never into the message, so that
 * lines can be searched and counted.
 */

/** How much a line matters, from least to most. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Receives lines. It never throws, and never blocks on a slow reader. */
export interface Logger {
  /** A step inside one call or connection: for a developer at work. */
  trace(msg: string, fields?: Record<string, unknown>): void;
  /** A change of state that explains later behaviour. */
  debug(msg: string, fields?: Record<string, unknown>): void;
  /** What an operator wants to see of a healthy process. */
  info(msg: string, fields?: Record<string, unknown>): void;
  /** Something is wrong but is being coped with. */
  warn(msg: string, fields?: Record<string, unknown>): void;
  /** Something failed that somebody has to mend. */
  error(msg: string, fields?: Record<string, unknown>): void;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: Record<string, unknown>): Logger;
}

/** One line as `RecordingLogger` keeps it. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that drops everything. */
export const silentLogger: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

/** For tests: keeps each line, with the fields of its ancestors. Children share one list. */
export class RecordingLogger implements Logger {
  /** All lines so far, oldest first. */
  readonly entries: LogEntry[];
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(fields: Record<string, unknown> = {}, entries: LogEntry[] = []) {
    this.#fields = fields;
    this.entries = entries;
  }

  trace(msg: string, fields?: Record<string, unknown>): void {
    this.#keep("trace", msg, fields);
  }

  debug(msg: string, fields?: Record<string, unknown>): void {
    this.#keep("debug", msg, fields);
  }

  info(msg: string, fields?: Record<string, unknown>): void {
    this.#keep("info", msg, fields);
  }

  warn(msg: string, fields?: Record<string, unknown>): void {
    this.#keep("warn", msg, fields);
  }

  error(msg: string, fields?: Record<string, unknown>): void {
    this.#keep("error", msg, fields);
  }

  child(fields: Record<string, unknown>): Logger {
    return new RecordingLogger({ ...this.#fields, ...fields }, this.entries);
  }

  /** The messages so far, as "level: msg", for short assertions. */
  get lines(): string[] {
    return this.entries.map((entry) => `${entry.level}: ${entry.msg}`);
  }

  #keep(level: LogLevel, msg: string, fields?: Record<string, unknown>): void {
    this.entries.push({ level, msg, fields: { ...this.#fields, ...fields } });
  }
}
