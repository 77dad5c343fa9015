/**
 * Replicas behind an L4 balancer on a virtual clock, for tests and simulations: the real planner
 * and the real choice, with everything around them made by chance from a seed.
 *
 * Each replica looks at its load at moments of its own, asks each peer about once a second, and
 * counts calls that arrive as a Poisson process. A client whose connection is shed connects again
 * within a second, to any replica.
 */
import { type Rng, seededRng, VirtualClock } from "../../base/index.ts";
import { CallRate, type ConnectionLoad, type LoadFigures } from "./load.ts";
import { LOOK_MS } from "./nesting.ts";
import { POLL_MS } from "./peer-poll.ts";
import { chooseSheds } from "./shed-order.ts";
import { type PeerLoad, type ShedPlan, ShedPlanner } from "./shed-planner.ts";

/** The longest way from a GOAWAY to the next connection. */
const RECONNECT_MS_MAX = 1000;

/** What a fleet is made of. */
export interface FleetOptions {
  readonly seed: number;
  readonly replicas: number;
  /** Calls per second of each client; it has one connection. */
  readonly rates: readonly number[];
  /** What a replica tells its peers instead of the truth; null: it does not answer. */
  readonly tell?: (replica: number, truth: LoadFigures) => LoadFigures | null;
  /** Where a client lands, of so many replicas; any by default. */
  readonly land?: (client: number, replicas: number, rng: Rng) => number;
}

/** A connection that was shed. */
export interface FleetShed {
  readonly atMs: number;
  readonly replica: number;
  readonly client: number;
  readonly ageMs: number;
}

interface Client {
  readonly rate: number;
  /** Where its connection is; -1 between two. */
  replica: number;
  bornMs: number;
  seen: CallRate;
  seenMs: number;
}

interface Replica {
  readonly planner: ShedPlanner;
  /** What it told last, and when that was so. */
  told: LoadFigures | null;
  toldMs: number;
  /** What it has heard of each other one. */
  readonly heard: Map<number, { figures: LoadFigures; takenMs: number }>;
  plan: ShedPlan | null;
}

/** See the head of this file. All connections are old when it begins. */
export class Fleet {
  readonly clock = new VirtualClock();
  readonly sheds: FleetShed[] = [];
  readonly #options: FleetOptions;
  readonly #rng: Rng;
  readonly #clients: Client[];
  readonly #replicas: Replica[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#rng = seededRng(options.seed);
    // Long before the first look: nothing is young, and rates are known.
    this.#clients = options.rates.map((rate, i) => {
      const seen = new CallRate();
      for (let s = 0; s < 60; s += 1) seen.add(poisson(rate, this.#rng), 1000);
      const replica = this.#land(i, options.replicas);
      return { rate, replica, bornMs: -60_000, seen, seenMs: 0 };
    });
    this.scaleTo(options.replicas);
  }

  /** Replicas now. */
  get replicas(): number {
    return this.#replicas.length;
  }

  /** Starts replicas until there are so many. */
  scaleTo(replicas: number): void {
    while (this.#replicas.length < replicas) {
      const index = this.#replicas.length;
      this.#replicas.push({
        planner: new ShedPlanner(seededRng(this.#options.seed * 1009 + index)),
        told: null,
        toldMs: 0,
        heard: new Map(),
        plan: null,
      });
      this.clock.setTimer(this.#rng.next() * LOOK_MS, () => this.#look(index));
    }
  }

  /** Lets time pass. */
  run(ms: number): void {
    this.clock.advance(ms);
  }

  /** Calls per second that reach each replica, as clients make them. */
  loads(): number[] {
    const loads = this.#replicas.map(() => 0);
    for (const { replica, rate } of this.#clients) if (replica >= 0) loads[replica]! += rate;
    return loads;
  }

  /** The largest of these over their mean; what is between two connections counts in the mean. */
  maxOverMean(): number {
    const sum = this.#options.rates.reduce((total, rate) => total + rate, 0);
    return (Math.max(...this.loads()) * this.#replicas.length) / sum;
  }

  /** The last plan of a replica. */
  planOf(replica: number): ShedPlan | null {
    return this.#replicas[replica]!.plan;
  }

  #land(client: number, replicas: number): number {
    const { land } = this.#options;
    return land === undefined ? this.#rng.int(replicas) : land(client, replicas, this.#rng);
  }

  #look(index: number): void {
    const nowMs = this.clock.nowMs();
    const replica = this.#replicas[index]!;
    const connections = this.#count(index, nowMs);
    const own = {
      connections: connections.length,
      callsPerSecond: connections.reduce((sum, one) => sum + one.callsPerSecond, 0),
    };
    const { tell } = this.#options;
    replica.told = tell === undefined ? own : tell(index, own);
    replica.toldMs = nowMs;
    const peers = this.#hear(index, nowMs);
    const missing = this.#replicas.length - 1 - peers.length;
    const plan = replica.planner.plan({ own, peers, missing, isDraining: false }, nowMs);
    replica.plan = plan;
    if (plan.order !== null) {
      const chosen = chooseSheds(connections, plan.order, this.#rng);
      for (const { id } of chosen) this.#shed(id, index, nowMs);
      replica.planner.onShed(chosen.length, own.connections, nowMs);
    }
    this.clock.setTimer(LOOK_MS, () => this.#look(index));
  }

  /** Its connections, with the calls of the time since the last look counted. */
  #count(index: number, nowMs: number): ConnectionLoad[] {
    const list: ConnectionLoad[] = [];
    this.#clients.forEach((client, id) => {
      if (client.replica !== index) return;
      const elapsedMs = nowMs - client.seenMs;
      client.seen.add(poisson((client.rate * elapsedMs) / 1000, this.#rng), elapsedMs);
      client.seenMs = nowMs;
      const ageMs = nowMs - client.bornMs;
      list.push({ id, ageMs, callsPerSecond: client.seen.callsPerSecond });
    });
    return list;
  }

  /** What it knows of its peers. */
  #hear(index: number, nowMs: number): PeerLoad[] {
    const { heard } = this.#replicas[index]!;
    this.#replicas.forEach(({ told, toldMs }, other) => {
      if (other === index || told === null || this.#rng.next() > LOOK_MS / POLL_MS) return;
      heard.set(other, { figures: told, takenMs: toldMs });
    });
    return [...heard.values()].map(({ figures, takenMs }) => {
      return { ...figures, ageMs: nowMs - takenMs };
    });
  }

  #shed(id: number, replica: number, nowMs: number): void {
    const client = this.#clients[id]!;
    this.sheds.push({ atMs: nowMs, replica, client: id, ageMs: nowMs - client.bornMs });
    client.replica = -1;
    this.clock.setTimer(this.#rng.next() * RECONNECT_MS_MAX, () => {
      client.replica = this.#land(id, this.#replicas.length);
      client.bornMs = this.clock.nowMs();
      client.seenMs = client.bornMs;
      client.seen = new CallRate();
    });
  }
}

/**
 * Rates of `count` clients: lognormal with this sigma, `meanRate` in the mean, and none above a
 * quarter of what each of `replicas` has in the mean.
 */
export function lognormalRates(
  count: number,
  sigma: number,
  meanRate: number,
  replicas: number,
  rng: Rng,
): number[] {
  const raw = Array.from({ length: count }, () => Math.exp(sigma * normal(rng)));
  const sum = raw.reduce((total, rate) => total + rate, 0);
  const max = (0.25 * count * meanRate) / replicas;
  return raw.map((rate) => Math.min(max, (rate / sum) * count * meanRate));
}

function normal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
}

/** A number of events where `mean` are to be expected. */
function poisson(mean: number, rng: Rng): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(rng)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = rng.next(); product > limit; product *= rng.next()) count += 1;
  return count;
}
