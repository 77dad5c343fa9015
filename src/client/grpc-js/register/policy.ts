/**
 * A policy of ours as a load balancer of grpc-js: a leaf per endpoint, all of them connected, and
 * our picker over those that are ready; or, where the policy connects what it picks, over all.
 *
 * States are aggregated as grpc-js' own `round_robin` does: READY when one is, else CONNECTING,
 * else TRANSIENT_FAILURE, else IDLE. Unlike it, an update leaves the leaves of unchanged endpoints
 * alone. Not here: subchannels, their backoff and their keepalive, which stay grpc-js' own.
 */
import type { ChannelOptions, connectivityState, experimental } from "@grpc/grpc-js";
import type { EndpointLoad, Picker, Policy, TargetConnectivity } from "../../../balancing/index.ts";
import type { Clock, Rng, Timer } from "../../../base/index.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../../cluster/index.ts";
import type { GrpcModule } from "../grpc-module.ts";
import type { PolicyConfigConstructor } from "./config.ts";
import { endpointKey } from "./endpoints.ts";
import { Leaf } from "./leaf.ts";
import { MetadataRequest, pickedState } from "./picked.ts";

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
  /** The picker of a policy that connects what it picks. */
  #lasting: experimental.Picker | null = null;
  /** The last that was connected because a pick had passed it over. */
  #joining: Leaf | null = null;
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
    if (this.#policy !== config.policy) this.#usePolicy(config.policy);
    this.#note = note;
    this.#isPaused = true;
    this.#take(endpoints.value, options);
    this.#isPaused = false;
    if (this.#leaves.size > 0) this.#publish(grpc);
    else this.#fail(`No addresses resolved. Resolution note: ${this.#note}`);
    return true;
  }

  /** Its parameters may be others: what was made with the old ones is made anew. */
  #usePolicy(policy: Policy): void {
    this.#policy = policy;
    this.#ready = NONE;
    for (const leaf of this.#leaves.values()) leaf.load = this.#newLoad(leaf.load);
  }

  #newLoad(previous: EndpointLoad | null): EndpointLoad | null {
    return this.#policy?.newLoad?.(this.#deps.clock.nowMs(), previous) ?? null;
  }

  get #isPicked(): boolean {
    return this.#policy?.connects === "picked";
  }

  /** All leaves connect by themselves, or when they are picked: there is nothing to begin. */
  exitIdle(): void {}

  /** The backoff is that of the subchannels. */
  resetBackoff(): void {}

  destroy(): void {
    this.#endWarmUp(false);
    const leaves = [...this.#leaves.values()];
    this.#leaves = new Map();
    this.#ready = NONE;
    this.#picker = null;
    this.#lasting = null;
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
    for (const endpoint of endpoints) {
      const key = endpointKey(endpoint);
      if (this.#leaves.has(key)) continue;
      const known = before.get(key);
      if (known === undefined) this.#newLeaf(key, endpoint);
      else {
        this.#leaves.set(key, known);
        if (hasNewOptions) known.balancer.updateEndpoint(endpoint, options);
      }
    }
    if (!this.#isPicked) {
      for (const leaf of this.#leaves.values()) if (leaf.connectivity === "IDLE") leaf.connect();
    }
    for (const [key, leaf] of before) {
      if (!this.#leaves.has(key)) leaf.balancer.destroy();
    }
  }

  #newLeaf(key: string, endpoint: experimental.Endpoint): void {
    const { createChildChannelControlHelper, LeafLoadBalancer } = this.#deps.grpc.experimental;
    const helper = createChildChannelControlHelper(this.#helper, {
      updateState: (state, _picker, error) => this.#onLeafState(leaf, key, state, error),
    });
    const balancer = new LeafLoadBalancer(endpoint, helper, this.#options, this.#note);
    const { clock, grpc } = this.#deps;
    const nameOf = (state: connectivityState) =>
      grpc.connectivityState[state] as TargetConnectivity;
    const leaf = new Leaf(balancer, key, clock, nameOf);
    leaf.load = this.#newLoad(null);
    this.#leaves.set(key, leaf);
  }

  #onLeafState(leaf: Leaf, key: string, state: connectivityState, error: string | null): void {
    if (this.#leaves.get(key) !== leaf) return; // its last words
    const { grpc } = this.#deps;
    const { IDLE, READY } = grpc.connectivityState;
    if (error) this.#lastError = error;
    // A lost connection is a hint that the endpoint has gone.
    const isLost = this.#isPicked ? state === IDLE : this.#ready.includes(leaf) && state !== READY;
    if (isLost) this.#helper.requestReresolution();
    if (!this.#isPaused) this.#publish(grpc);
    if (state === IDLE && !this.#isPicked) leaf.balancer.exitIdle();
  }

  #publish(grpc: GrpcModule): void {
    if (this.#isPicked) {
      this.#publishPicked([...this.#leaves.values()]);
      return;
    }
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
    this.#endWarmUp(true);
    const picker = this.#pickerOf(ready);
    if (picker !== null) this.#tell(this.#deps.grpc.connectivityState.READY, picker, null);
  }

  /** A picker over these leaves; null when they are those of the one before. */
  #pickerOf(leaves: readonly Leaf[]): experimental.Picker | null {
    const { rng, grpc, clock } = this.#deps;
    const isKept =
      leaves.length === this.#ready.length &&
      leaves.every((leaf, index) => leaf === this.#ready[index]);
    if (isKept) return null;
    const picker = this.#policy!.newPicker(leaves, rng, this.#picker, clock.nowMs());
    this.#picker = picker;
    this.#ready = leaves;
    const complete = grpc.experimental.PickResultType.COMPLETE;
    const request = new MetadataRequest();
    return {
      pick: (args) => {
        this.#settleSoon();
        // Not null: it is over at least one.
        const leaf = picker.pick(null, request.of(args.metadata), clock.nowMs())!;
        // Later, as grpc-js does it: a state must not change under a pick.
        const beside = picker.passedOver ?? null;
        if (leaf.connectivity === "IDLE") process.nextTick(() => this.#connect(leaf));
        else if (beside !== null) process.nextTick(() => this.#connectBeside(beside));
        return leaf.pick(args, complete);
      },
    };
  }

  #connect(leaf: Leaf): void {
    const isHere = this.#leaves.get(leaf.key) === leaf;
    if (isHere && leaf.connectivity === "IDLE") leaf.connect();
  }

  /** One after the other, as A76 has it. */
  #connectBeside(leaf: Leaf): void {
    if (this.#joining?.connectivity === "CONNECTING") return;
    this.#joining = leaf;
    this.#connect(leaf);
  }

  /** A picker lasts for as long as its leaves are there: it reads their states at each pick. */
  #publishPicked(leaves: readonly Leaf[]): void {
    const states = leaves.map(({ connectivity }) => connectivity);
    this.#lasting = this.#pickerOf(leaves) ?? this.#lasting;
    const state = pickedState(states);
    const error = state === "TRANSIENT_FAILURE" ? this.#lastError : null;
    this.#helper.updateState(this.#deps.grpc.connectivityState[state], this.#lasting!, error);
    // "it will make sure that it is attempting to connect ... to at least one subchannel at any
    // given time", as no pick may come to one that is IDLE (A42). Failed ones try by themselves.
    const isBusy = states.some((each) => each === "READY" || each === "CONNECTING");
    if (isBusy || !states.includes("TRANSIENT_FAILURE")) return;
    leaves.find(({ connectivity }) => connectivity === "IDLE")?.connect();
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
