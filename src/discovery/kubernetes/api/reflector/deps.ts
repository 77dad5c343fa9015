/** What a reflector is given: time, chance, the way to the server, and who else hears of it. */
import type { Clock, Logger, Rng } from "../../../../base/index.ts";
import type { SourceProblem } from "../../source.ts";
import type { KindCounters } from "../metrics.ts";
import type { Decode } from "./objects.ts";
import type { WatchSessionDeps } from "./watch-session.ts";

/** See the head of this file. */
export interface ReflectorDeps extends WatchSessionDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly decode: Decode;
  readonly counters: KindCounters;
  /** Hears what the listener hears, for all watches of the server together. */
  readonly onProblem?: (problem: SourceProblem) => void;
  /** The server is watched again: others may hurry. */
  readonly onBack?: () => void;
}
