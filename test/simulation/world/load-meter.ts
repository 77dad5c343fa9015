/**
 * What a pod knows of its own load, and says with each answer: ORCA, gRFC A51.
 */
import { encodeBinaryValue } from "../../../src/grpc/index.ts";
import { type HeaderList, headerList } from "../../../src/http2/index.ts";

/** Figures are means over so long, as servers smooth them. */
const WINDOW_MS = 500;

/** `xds.data.orca.v3.OrcaLoadReport`: tags of the doubles that are set. */
const RPS_FRACTIONAL = (6 << 3) | 1;
const EPS = (7 << 3) | 1;
const APPLICATION_UTILIZATION = (9 << 3) | 1;

/** Calls and work of one pod. */
export class LoadMeter {
  readonly #workers: number;
  #sinceMs = 0;
  #calls = 0;
  #errors = 0;
  #workedMs = 0;
  #trailers: HeaderList;

  constructor(workers: number) {
    this.#workers = workers;
    this.#trailers = trailersOf(0, 0, 0);
  }

  /** A call is over that has taken a worker for so long. */
  onWorked(ms: number, isError: boolean, nowMs: number): void {
    this.#calls += 1;
    this.#workedMs += ms;
    if (isError) this.#errors += 1;
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < WINDOW_MS) return;
    const perS = 1_000 / elapsedMs;
    const utilization = this.#workedMs / (elapsedMs * this.#workers);
    this.#trailers = trailersOf(this.#calls * perS, this.#errors * perS, utilization);
    this.#sinceMs = nowMs;
    this.#calls = 0;
    this.#errors = 0;
    this.#workedMs = 0;
  }

  /** The trailers of an answer that is OK, with the last report. */
  get trailers(): HeaderList {
    return this.#trailers;
  }
}

function trailersOf(callsPerS: number, errorsPerS: number, utilization: number): HeaderList {
  const bytes = Buffer.alloc(27);
  const doubles = [
    [RPS_FRACTIONAL, callsPerS],
    [EPS, errorsPerS],
    [APPLICATION_UTILIZATION, utilization],
  ] as const;
  for (const [i, [tag, value]] of doubles.entries()) {
    bytes[i * 9] = tag;
    bytes.writeDoubleLE(value, i * 9 + 1);
  }
  return headerList([
    ["grpc-status", "0"],
    ["endpoint-load-metrics-bin", encodeBinaryValue(bytes)],
  ]);
}
