/**
 * A policy of ours as a load balancer of grpc-js: a leaf per endpoint, all of them connected, and
 * our picker over those that are ready.
 *
 * States are aggregated as grpc-js' own `round_robin` does: READY when one is, else CONNECTING,
 * else TRANSIENT_FAILURE, else IDLE. Unlike it, an update leaves the leaves of unchanged endpoints
 * alone. Not here: subchannels, their backoff and their keepalive, which stay grpc-js' own.
 */
import type { ChannelOptions, connectivityState, experimental } from "@grpc/grpc-js";
import type { Picker, Policy } from "../../../balancing/index.ts";
import type { Clock, Rng, Timer } from "../../../base/index.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../../cluster/index.ts";
import type { GrpcModule } from "../grpc-module.ts";
import type { PolicyConfigConstructor } from "./config.ts";
import { endpointKey } from "./endpoints.ts";
import { Leaf } from "./leaf.ts";

type Endpoints = experimental.StatusOr<experimental.Endpoint[]>;
type Helper = experimental.ChannelControlHelper;

/** What a balancer needs. */
export interface BalancerDeps {
  readonly grpc: GrpcModule;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** The class for one name, as `registerLoadBalancerType` wants it. */
export function policyBalancerFor(
  name: string,
  configs: PolicyConfigConstructor,
  deps: BalancerDeps,
): new (
  helper: Helper,
) => experimental.LoadBalancer {
  return class extends PolicyBalancer {
    constructor(helper: Helper) {
      super(name, configs, deps, helper);
    }
  };
}

/**
 * After a cold start, when one endpoint is ready and others are still connecting, calls wait so
 * long for them. grpc-js lets its whole queue go at once: it would all fall on the first.
 */
const WARM_UP_MS = DEFAULT_CLUSTER_CONFIG.warmUp.timeMs;

const NONE: readonly Leaf[] = Object.freeze([]);

class PolicyBalancer implements experimental.LoadBalancer {
  readonly #name: string;
  readonly #configs: PolicyConfigConstructor;
  readonly #deps: BalancerDeps;
  readonly #helper: Helper;
  #leaves = new Map<string, Leaf>();
  #options: ChannelOptions = {};
  #policy: Policy | null = null;
  #picker: Picker<Leaf> | null = null;
  /** What the picker is over. */
  #ready = NONE;
  #lastError: string | null = null;
  #note = "";
  /** Calls are let go: see `WARM_UP_MS`. */
  #isWarm = false;
  #warmUp: Timer | null = null;
  /** An update is under way: it publishes at its end. */
  #isPaused = false;
  #isSettling = false;

  constructor(name: string, configs: PolicyConfigConstructor, deps: BalancerDeps, helper: Helper) {
    this.#name = name;
    this.#configs = configs;
    this.#deps = deps;
    this.#helper = helper;
  }

  updateAddressList(
    endpoints: Endpoints,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!(config instanceof this.#configs)) return false;
    const { grpc } = this.#deps;
    if (!endpoints.ok) {
      // What is there stays: the source is away, and takes nothing with it.
      if (this.#leaves.size > 0) return true;
      this.#fail(endpoints.error.details);
      return true;
    }
    if (this.#policy !== config.policy) this.#ready = NONE; // its parameters may be others
    this.#policy = config.policy;
    this.#note = note;
    this.#isPaused = true;
    this.#take(endpoints.value, options);
    this.#isPaused = false;
    if (this.#leaves.size > 0) this.#publish(grpc);
    else this.#fail(`No addresses resolved. Resolution note: ${this.#note}`);
    return true;
  }

  /** All leaves connect by themselves: there is nothing to begin. */
  exitIdle(): void {}

  /** The backoff is that of the subchannels. */
  resetBackoff(): void {}

  destroy(): void {
    this.#endWarmUp(false);
    const leaves = [...this.#leaves.values()];
    this.#leaves = new Map();
    this.#ready = NONE;
    this.#picker = null;
    for (const leaf of leaves) leaf.balancer.destroy();
  }

  getTypeName(): string {
    return this.#name;
  }

  /** Leaves of endpoints that stay are kept, with their connections and their counts. */
  #take(endpoints: readonly experimental.Endpoint[], options: ChannelOptions): void {
    const before = this.#leaves;
    const hasNewOptions = !isSame(options, this.#options);
    this.#options = options;
    this.#leaves = new Map();
    const added: Leaf[] = [];
    for (const endpoint of endpoints) {
      const key = endpointKey(endpoint);
      if (this.#leaves.has(key)) continue;
      const known = before.get(key);
      if (known === undefined) added.push(this.#newLeaf(key, endpoint));
      else {
        this.#leaves.set(key, known);
        if (hasNewOptions) known.balancer.updateEndpoint(endpoint, options);
      }
    }
    for (const leaf of added) leaf.balancer.startConnecting();
    for (const [key, leaf] of before) {
      if (!this.#leaves.has(key)) leaf.balancer.destroy();
    }
  }

  #newLeaf(key: string, endpoint: experimental.Endpoint): Leaf {
    const { createChildChannelControlHelper, LeafLoadBalancer } = this.#deps.grpc.experimental;
    const helper = createChildChannelControlHelper(this.#helper, {
      updateState: (state, _picker, error) => this.#onLeafState(leaf, key, state, error),
    });
    const balancer = new LeafLoadBalancer(endpoint, helper, this.#options, this.#note);
    const leaf = new Leaf(balancer, key, null);
    this.#leaves.set(key, leaf);
    return leaf;
  }

  #onLeafState(leaf: Leaf, key: string, state: connectivityState, error: string | null): void {
    if (this.#leaves.get(key) !== leaf) return; // its last words
    const { grpc } = this.#deps;
    const { IDLE, READY } = grpc.connectivityState;
    if (error) this.#lastError = error;
    // A lost connection is a hint that the endpoint has gone.
    if (this.#ready.includes(leaf) && state !== READY) this.#helper.requestReresolution();
    if (!this.#isPaused) this.#publish(grpc);
    if (state === IDLE) leaf.balancer.exitIdle();
  }

  #publish(grpc: GrpcModule): void {
    const { IDLE, CONNECTING, READY, TRANSIENT_FAILURE } = grpc.connectivityState;
    const ready: Leaf[] = [];
    let state: connectivityState = IDLE;
    for (const leaf of this.#leaves.values()) {
      const own = leaf.balancer.getConnectivityState();
      if (own === READY) ready.push(leaf);
      else if (own === CONNECTING) state = CONNECTING;
      else if (own === TRANSIENT_FAILURE && state === IDLE) state = TRANSIENT_FAILURE;
    }
    if (ready.length === 0) this.#endWarmUp(false);
    const isHeld = ready.length > 0 && state === CONNECTING && !this.#isWarm;
    if (isHeld) this.#warmUp ??= this.#deps.clock.setTimer(WARM_UP_MS, () => this.#onWarm());
    if (ready.length > 0 && !isHeld) this.#publishReady(ready);
    else if (state === TRANSIENT_FAILURE) {
      this.#fail(`${this.#name}: No connection established. Last error: ${this.#lastError}`);
    } else this.#tell(state, new grpc.experimental.QueuePicker(this), null);
  }

  #onWarm(): void {
    this.#isWarm = true;
    this.#publish(this.#deps.grpc);
  }

  #endWarmUp(isWarm: boolean): void {
    this.#isWarm = isWarm;
    this.#warmUp?.cancel();
    this.#warmUp = null;
  }

  #publishReady(ready: readonly Leaf[]): void {
    const { rng, grpc } = this.#deps;
    this.#endWarmUp(true);
    const isKept =
      ready.length === this.#ready.length &&
      ready.every((leaf, index) => leaf === this.#ready[index]);
    if (isKept) return;
    const picker = this.#policy!.newPicker(ready, rng, this.#picker, this.#deps.clock.nowMs());
    this.#picker = picker;
    this.#ready = ready;
    const complete = grpc.experimental.PickResultType.COMPLETE;
    this.#tell(
      grpc.connectivityState.READY,
      {
        pick: (args) => {
          this.#settleSoon();
          const leaf = picker.pick(null, null, this.#deps.clock.nowMs());
          return leaf!.pick(args, complete); // not null: it is over at least one
        },
      },
      null,
    );
  }

  #fail(details: string): void {
    const { experimental, connectivityState } = this.#deps.grpc;
    const picker = new experimental.UnavailablePicker({ details });
    this.#tell(connectivityState.TRANSIENT_FAILURE, picker, details);
  }

  #tell(state: connectivityState, picker: experimental.Picker, error: string | null): void {
    if (state !== this.#deps.grpc.connectivityState.READY) {
      this.#picker = null;
      this.#ready = NONE;
    }
    this.#helper.updateState(state, picker, error);
  }

  /** Once for all picks of a turn. */
  #settleSoon(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    this.#deps.clock.setTimer(0, () => {
      this.#isSettling = false;
      for (const leaf of this.#leaves.values()) leaf.settle();
    });
  }
}

function isSame(a: ChannelOptions, b: ChannelOptions): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
