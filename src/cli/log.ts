/**
 * The logger of the command, on pino: pretty on a terminal, otherwise one JSON object a line.
 *
 * Written to stderr without worker threads. JSON goes out asynchronously and is flushed at exit, so
 * that a slow reader of the log does not slow the relay; what it does not take within bounds is
 * dropped.
 */
import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import type { Clock, Logger, LogLevel } from "../base/index.ts";
import { LogStream } from "./log-stream.ts";

/** Lines that wait for a slow reader; beyond this new ones are dropped. */
const LOG_BUFFER_BYTES_MAX = 4 * 1024 * 1024;
const STDERR = 2;

/** How to log. */
export interface LogOptions {
  readonly level: LogLevel;
  /** For people on a terminal instead of JSON. */
  readonly pretty: boolean;
  readonly color: boolean;
}

/** What suits this process's stderr. */
export function logOptionsFor(level: LogLevel, color: boolean): LogOptions {
  const pretty = process.stderr.isTTY === true;
  return { level, pretty, color: pretty && color && !process.env.NO_COLOR };
}

/** Makes a logger to stderr. Async, because what writes for people is loaded only when needed. */
export async function createLogger(options: LogOptions, clock: Clock): Promise<Logger> {
  const stream = options.pretty ? await prettyStream(options.color) : jsonStream(clock);
  return new PinoLog(newPino(options.level, clock, stream));
}

/** pino with the keys of the contract: `time` in ISO 8601 UTC, `level` as a word, `msg`. */
export function newPino(level: LogLevel, clock: Clock, stream: DestinationStream): PinoLogger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.wallMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}

function jsonStream(clock: Clock): DestinationStream {
  const stream = new LogStream(STDERR, LOG_BUFFER_BYTES_MAX, clock);
  process.on("exit", () => stream.flushSync());
  return stream;
}

async function prettyStream(colorize: boolean): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    sync: true,
    destination: STDERR,
    colorize,
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
  });
}

/** `Logger` of the house in front of pino, which takes its arguments the other way round. */
export class PinoLog implements Logger {
  readonly #pino: PinoLogger;

  constructor(pino: PinoLogger) {
    this.#pino = pino;
  }

  trace(msg: string, fields?: Record<string, unknown>): void {
    this.#pino.trace(fields ?? {}, msg);
  }

  debug(msg: string, fields?: Record<string, unknown>): void {
    this.#pino.debug(fields ?? {}, msg);
  }

  info(msg: string, fields?: Record<string, unknown>): void {
    this.#pino.info(fields ?? {}, msg);
  }

  warn(msg: string, fields?: Record<string, unknown>): void {
    this.#pino.warn(fields ?? {}, msg);
  }

  error(msg: string, fields?: Record<string, unknown>): void {
    this.#pino.error(fields ?? {}, msg);
  }

  child(fields: Record<string, unknown>): Logger {
    return new PinoLog(this.#pino.child(fields));
  }
}
