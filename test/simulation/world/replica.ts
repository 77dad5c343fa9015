/**
 * A replica of a proxy as its clients see it: real connections on the real engine, whose rates are
 * counted and which are shed by the real code of `src/proxy/nesting/`.
 *
 * What is behind it is not simulated: it answers calls itself. The exchange between replicas is a
 * figure that is read from time to time, in place of HTTP.
 */
import type { Rng } from "../../../src/base/index.ts";
import { silentLogger } from "../../../src/base/index.ts";
import {
  DEFAULT_CONNECTION_CONFIG,
  type HeaderList,
  type Stream,
  type StreamEvents,
} from "../../../src/http2/index.ts";
import { Downstreams, type LoadFigures } from "../../../src/proxy/nesting/index.ts";
import { LOOK_MS } from "../../../src/proxy/nesting/nesting.ts";
import { POLL_MS } from "../../../src/proxy/nesting/peer-poll.ts";
import { ShedPlanner } from "../../../src/proxy/nesting/shed-planner.ts";
import { splitOrder } from "../../../src/proxy/nesting/shed-split.ts";
import { Registry } from "../../../src/telemetry/index.ts";
import { SocketConnection, type TransportLoop } from "../../../src/transport/index.ts";
import { type Draw, lognormal } from "./distributions.ts";
import type { Host } from "./network.ts";
import { ServedCall, type ServedCallOwner } from "./served-call.ts";
import type { Line, VirtualSocket } from "./virtual-socket.ts";
import type { World } from "./world.ts";

/** Time that a call takes, whatever is behind. */
const CALL_MS: Draw = lognormal(10, 0.5);

/** A connection that was shed. */
export interface Shed {
  readonly atMs: number;
  readonly ageMs: number;
  readonly callsInFlight: number;
}

/** What a replica last told the others. */
interface Told {
  readonly figures: LoadFigures;
  readonly takenMs: number;
}

/** See the head of this file. */
export class Replica implements Host, ServedCallOwner {
  readonly isListening = true;
  readonly isSilent = false;
  readonly name: string;
  readonly sheds: Shed[] = [];
  /** Calls answered so far. */
  calls = 0;
  readonly #world: World;
  readonly #rng: Rng;
  readonly #loop: TransportLoop;
  readonly #downstreams: Downstreams;
  readonly #planner: ShedPlanner;
  readonly #peers: () => readonly Replica[];
  readonly #heard = new Map<Replica, Told>();
  readonly #polledMs = new Map<Replica, number>();
  #told: Told | null = null;
  #isOver = false;

  /** @param peers all replicas that there are now. */
  constructor(world: World, name: string, peers: () => readonly Replica[]) {
    this.#world = world;
    this.name = name;
    this.#peers = peers;
    this.#rng = world.rng(name);
    this.#loop = world.newLoop();
    this.#planner = new ShedPlanner(world.rng(`planner of ${name}`));
    this.#downstreams = new Downstreams(
      { maxConnectionAgeMs: 0, maxConnectionAgeGraceMs: 0 },
      {
        clock: world.clock,
        rng: world.rng(`sheds of ${name}`),
        log: silentLogger,
        registry: new Registry(),
        cut: () => {
          throw new Error("no connection has an age here");
        },
      },
    );
    this.#loop.add(this.#downstreams);
    world.after(this.#rng.next() * LOOK_MS, () => this.#look());
  }

  /** A client's connection arrives. */
  accept(socket: VirtualSocket, _line: Line): void {
    const ignore = () => {};
    const connection = new SocketConnection(
      socket,
      "server",
      {
        onStream: (stream, list) => {
          tracked.calls += 1;
          return this.#onStream(stream, list);
        },
        ...{ onReady: ignore, onCapacity: ignore, onGoAway: ignore, onClosed: ignore },
      },
      DEFAULT_CONNECTION_CONFIG,
      this.#loop,
    );
    // It only drains it and asks its state; whose socket it is, is all the same.
    const any = connection as unknown as SocketConnection;
    const tracked = this.#downstreams.add(any, `${this.name} client`);
    socket.on("close", () => this.#downstreams.remove(tracked));
  }

  #onStream(stream: Stream, list: HeaderList): StreamEvents {
    this.calls += 1;
    const call = new ServedCall(stream, list, this);
    this.onComplete(call);
    return call;
  }

  onComplete(call: ServedCall): void {
    call.work(CALL_MS(this.#rng), 0, () => {});
  }

  after(ms: number, fn: () => void): void {
    this.#world.after(ms, fn);
  }

  /** As `Nesting` does it: takes its figures, hears its peers, and carries out what is planned. */
  #look(): void {
    if (this.#isOver) return;
    const nowMs = this.#world.nowMs;
    const own = this.#downstreams.load();
    this.#told = { figures: own, takenMs: nowMs };
    const peers = this.#hear(nowMs);
    const missing = this.#peers().length - 1 - peers.length;
    const { order } = this.#planner.plan({ own, peers, missing, isDraining: false }, nowMs);
    if (order !== null) {
      const [{ order: ours } = { order }] = splitOrder(order, [{ worker: 0, ...own }]);
      const count = this.#downstreams.shed(ours);
      this.#note(count, nowMs);
      this.#planner.onShed(count, own.connections, nowMs);
    }
    this.#world.after(LOOK_MS, () => this.#look());
  }

  /** Each peer is asked about once in `POLL_MS`. */
  #hear(nowMs: number) {
    for (const peer of this.#peers()) {
      if (peer === this || peer.#told === null) continue;
      if (nowMs < (this.#polledMs.get(peer) ?? 0)) continue;
      this.#polledMs.set(peer, nowMs + POLL_MS * (0.8 + 0.4 * this.#rng.next()));
      this.#heard.set(peer, peer.#told);
    }
    return [...this.#heard.values()].map(({ figures, takenMs }) => ({
      ...figures,
      ageMs: nowMs - takenMs,
    }));
  }

  #note(count: number, nowMs: number): void {
    for (const shed of count === 0 ? [] : this.#downstreams.view().sheds.slice(-count)) {
      this.sheds.push({ atMs: nowMs, ageMs: shed.ageMs, callsInFlight: shed.activeCalls });
    }
  }

  /** Connections that are not on their way out. */
  get connections(): number {
    return this.#downstreams.load().connections;
  }

  /** Looks at nothing any more. */
  close(): void {
    this.#isOver = true;
    this.#loop.remove(this.#downstreams);
  }
}
