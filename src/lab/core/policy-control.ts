/**
 * How fairlead's lanes choose, while a lab runs: the policy, and whether pods that fail calls are
 * ejected. It tells both by the Service, as users do, and watches who is ejected.
 */
import type { Objects } from "../cluster/index.ts";
import type { EjectionWatch } from "./ejection-watch.ts";
import { setServicePolicy } from "./service-policy.ts";

/** Whom it has to tell. */
export interface PolicyDeps {
  /** What the API server has; it is asked for with the first `tell`. */
  readonly objects: () => Objects;
  readonly ejections: EjectionWatch;
  /** The lanes choose otherwise from now on. */
  readonly onPolicy: () => void;
}

/** Policy and ejection of one lab. */
export class PolicyControl {
  readonly #initial: string;
  readonly #deps: PolicyDeps;
  #policy: string;
  #hasOutliers = false;

  /** @param initial name of a known policy. */
  constructor(initial: string, deps: PolicyDeps) {
    this.#initial = initial;
    this.#policy = initial;
    this.#deps = deps;
  }

  /** A known name. */
  get policy(): string {
    return this.#policy;
  }

  /** Whether fairlead's lanes eject pods that fail calls. */
  get hasOutliers(): boolean {
    return this.#hasOutliers;
  }

  /** Writes both into the Service. */
  tell(): void {
    const [policy, hasOutliers] = [this.#policy, this.#hasOutliers];
    setServicePolicy(this.#deps.objects(), { policy, hasOutliers });
  }

  setPolicy(policy: string): void {
    this.#set(policy, this.#hasOutliers);
  }

  setOutliers(isOn: boolean): void {
    this.#set(this.#policy, isOn);
  }

  /** As it was at the start. */
  reset(): void {
    if (this.#policy !== this.#initial || this.#hasOutliers) this.#set(this.#initial, false);
  }

  /** Nobody is watched any more. */
  close(): void {
    this.#deps.ejections.stop();
  }

  #set(policy: string, hasOutliers: boolean): void {
    this.#policy = policy;
    this.#hasOutliers = hasOutliers;
    this.tell();
    if (hasOutliers) this.#deps.ejections.start();
    else this.#deps.ejections.stop();
    this.#deps.onPolicy();
  }
}
