/**
 * Active checks as Envoy has them: `grpc.health.v1.Health/Check` again and again, for servers whose
 * `Watch` is not to be trusted, or hangs with them.
 *
 * On the endpoint's own connection: one without a connection gets no calls anyway, and is tried
 * again with backoff. Any end but OK is a failure, UNIMPLEMENTED too, as for Envoy and the kubelet:
 * who asks for checks means servers that have them.
 */

import { type Clock, jittered, type Rng, type Timer } from "../base/index.ts";
import { Status } from "../grpc/index.ts";
import type { ActiveCheckConfig } from "./active-check-config.ts";
import { decodeHealthResponse, ServingStatus, servingStatusName } from "./health-messages.ts";
import type { OnHealth } from "./health-watch.ts";
import type { OwnStreamPlace } from "./kept-stream.ts";
import { type OwnRequest, OwnStream, type OwnStreamUser } from "./own-stream.ts";

/** The path of the method. */
export const CHECK_PATH = "/grpc.health.v1.Health/Check";
/** Each interval is moved by up to this share, either way: many clients check one server. */
export const CHECK_JITTER = 0.1;

/** Everything that the checks of an endpoint are told. */
export interface ActiveCheckDeps {
  readonly place: OwnStreamPlace;
  readonly request: OwnRequest;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly config: ActiveCheckConfig;
}

/** See the head of this file. */
export class ActiveCheck implements OwnStreamUser {
  readonly #deps: ActiveCheckDeps;
  readonly #onHealth: OnHealth;
  #stream: OwnStream | null = null;
  /** The next check, or the end of the one that is under way. */
  #timer: Timer | null = null;
  /** The answer of the check under way; null before it. */
  #answer: number | null = null;
  /** What was told last; null before the first check. */
  #isServing: boolean | null = null;
  /** Checks in a row that said the opposite. */
  #against = 0;

  constructor(deps: ActiveCheckDeps, onHealth: OnHealth) {
    this.#deps = deps;
    this.#onHealth = onHealth;
  }

  /**
   * The endpoint is connected (again). One that was failing must pass as many checks as before; of
   * one that was not, "the first check decides at once" (Envoy).
   */
  start(): void {
    this.#against = 0;
    if (this.#isServing !== false) {
      this.#isServing = null;
      this.#onHealth("unknown", "its first check has not been answered");
    }
    this.#check();
  }

  /** Nothing follows. */
  stop(): void {
    this.#setTimer(null);
    this.#stream?.cancel();
    this.#stream = null;
  }

  #setTimer(timer: Timer | null): void {
    this.#timer?.cancel();
    this.#timer = timer;
  }

  #check(): void {
    const { place, request, clock, config } = this.#deps;
    const upstream = place.ownUpstream();
    // Without a connection it waits for the next `start`.
    if (upstream === null) return;
    if (!upstream.canOpen()) {
      this.#checkLater(); // busy is neither ill nor well
      return;
    }
    this.#answer = null;
    this.#stream = new OwnStream(upstream, request, clock, this);
    this.#setTimer(clock.setTimer(config.timeoutMs, () => this.#onNoAnswer()));
  }

  #checkLater(): void {
    const { clock, rng, config } = this.#deps;
    const delayMs = jittered(config.intervalMs, CHECK_JITTER, rng);
    this.#setTimer(clock.setTimer(delayMs, () => this.#onNext()));
  }

  #onNext(): void {
    this.#timer = null;
    this.#check();
  }

  #onNoAnswer(): void {
    this.#timer = null;
    this.#stream?.cancel();
    this.#judge(`no answer within ${this.#deps.config.timeoutMs / 1_000} s`);
  }

  /** One check is over. @param problem null when the endpoint is well. */
  #judge(problem: string | null): void {
    this.#stream = null;
    this.#checkLater();
    const { unhealthyThreshold, healthyThreshold } = this.#deps.config;
    const isWell = problem === null;
    if (this.#isServing === isWell) {
      this.#against = 0;
      return;
    }
    this.#against += 1;
    const threshold = isWell ? healthyThreshold : unhealthyThreshold;
    if (this.#isServing !== null && this.#against < threshold) return;
    this.#isServing = isWell;
    this.#against = 0;
    if (isWell) this.#onHealth("serving", "");
    else this.#onHealth("failing", `its active check failed: ${problem}`);
  }

  // OwnStreamUser

  onMessage(message: Uint8Array): void {
    this.#answer = decodeHealthResponse(message);
  }

  onRefused(reason: string): void {
    this.#judge(reason);
  }

  onEnded(status: Status | null, reason: string): void {
    if (status === null) {
      // It was the connection, which is no verdict: another one of the endpoint is asked in time.
      this.#stream = null;
      this.#checkLater();
    } else if (status !== Status.OK) this.#judge(reason);
    else if (this.#answer === ServingStatus.SERVING) this.#judge(null);
    else {
      const answer = this.#answer;
      this.#judge(answer === null ? "no message that makes sense" : servingStatusName(answer));
    }
  }
}
