/**
 * What an endpoint itself says of its health: `grpc.health.v1.Health/Watch`. gRFC A17.
 */

import { decodeHealthResponse, ServingStatus, servingStatusName } from "./health-messages.ts";
import { KeptStream, type KeptStreamDeps, type KeptStreamUser } from "./kept-stream.ts";
import type { EndpointHealth } from "./overlay.ts";

/** The path of the method. */
export const WATCH_PATH = "/grpc.health.v1.Health/Watch";
/**
 * How long the first answer may take. A17 sets no limit; but a server that accepts the stream and
 * says nothing would keep its endpoint CONNECTING for ever.
 */
export const WATCH_ANSWER_TIMEOUT_MS = 10_000;

/** Who hears of an endpoint's health, with a reason for people. */
export type OnHealth = (health: EndpointHealth, reason: string) => void;

/** See the head of this file. */
export class HealthWatch implements KeptStreamUser {
  readonly #stream: KeptStream;
  readonly #onHealth: OnHealth;
  readonly #onUnimplemented: () => void;

  /** @param onUnimplemented the endpoint has no such service, and counts as serving. */
  constructor(deps: KeptStreamDeps, onHealth: OnHealth, onUnimplemented: () => void) {
    this.#stream = new KeptStream(deps, this);
    this.#onHealth = onHealth;
    this.#onUnimplemented = onUnimplemented;
  }

  /** The endpoint is connected. */
  start(): void {
    this.#stream.start();
  }

  /** Nothing follows. */
  stop(): void {
    this.#stream.stop();
  }

  // KeptStreamUser

  /**
   * "The subchannel will stay in state CONNECTING until it receives the first health-check response
   * from the backend"; "When the next attempt starts, the subchannel will transition to state
   * CONNECTING." (A17)
   */
  onAttempt(): void {
    this.#onHealth("unknown", "the first answer of its health check has not come");
  }

  onMessage(message: Uint8Array): boolean {
    const status = decodeHealthResponse(message);
    if (status === null) return false;
    if (status === ServingStatus.SERVING) this.#onHealth("serving", "");
    else this.#onHealth("not-serving", `its health check says ${servingStatusName(status)}`);
    return true;
  }

  /** "... any other status, the subchannel will transition to TRANSIENT_FAILURE" (A17). */
  onBroken(reason: string): void {
    const said = reason === "OK" ? "the server ended it" : reason;
    this.#onHealth("not-serving", `its health check failed: ${said}`);
  }

  /** "... it will treat the channel as healthy (connectivity state READY)" (A17). */
  onUnimplemented(): void {
    this.#onHealth("serving", "");
    this.#onUnimplemented();
  }
}
