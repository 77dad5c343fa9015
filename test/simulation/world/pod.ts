/**
 * A simulated pod: a gRPC server on the real engine, whose work takes virtual time.
 *
 * It works on so many calls at a time, queues the others, and refuses what does not fit; so it has
 * a capacity, and can be overloaded. It ends as pods do: by SIGTERM with a drain, by SIGKILL, or
 * with its machine.
 */
import type { Rng } from "../../../src/base/index.ts";
import { Status } from "../../../src/grpc/index.ts";
import {
  DEFAULT_CONNECTION_CONFIG,
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamEvents,
} from "../../../src/http2/index.ts";
import {
  SocketConnection,
  type SocketConnectionEvents,
  type TransportLoop,
} from "../../../src/transport/index.ts";
import type { Draw } from "./distributions.ts";
import { LoadMeter } from "./load-meter.ts";
import { ServedCall, type ServedCallOwner } from "./served-call.ts";
import type { Line, VirtualSocket } from "./virtual-socket.ts";
import type { World } from "./world.ts";

/** How a pod serves. */
export interface PodConfig {
  /** Time that one call takes a worker, in ms. */
  readonly workMs: Draw;
  /** The same for a call that is answered by a stream of messages; absent: as any other. */
  readonly streamMs?: Draw;
  /** Calls worked on at a time. */
  readonly workers: number;
  /** Calls that wait for a worker; more are refused with RESOURCE_EXHAUSTED. */
  readonly queueMax: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS. */
  readonly maxStreams: number;
  /** Whether it says how loaded it is (ORCA) with each answer. */
  readonly reportsLoad?: boolean;
}

/** Who hears what a pod does. */
export interface PodEvents {
  /** A call came whole: from here on it counts as executed. */
  onExecuted?(pod: Pod, request: HeaderList): void;
  /** Its process has ended. */
  onExited?(pod: Pod): void;
}

/** See the head of this file. */
export class Pod implements ServedCallOwner {
  readonly name: string;
  readonly address: string;
  readonly #world: World;
  readonly config: PodConfig;
  readonly #events: PodEvents;
  readonly #rng: Rng;
  readonly #loop: TransportLoop;
  readonly #connections = new Map<SocketConnection<VirtualSocket>, Line>();
  readonly #queue: ServedCall[] = [];
  readonly #meter: LoadMeter | null;
  #busy = 0;
  /** Whether the port is open. */
  isListening = true;
  /** Whether its process lives. */
  isAlive = true;
  /** Its machine is gone: nobody answers, not even with a reset. */
  isSilent = false;
  /** It answers new calls with REFUSED_STREAM: it is about to leave, and has not said GOAWAY. */
  isRefusing = false;
  /** It was killed with calls open. */
  isKilled = false;
  /** Calls executed so far. */
  executed = 0;
  /** Work takes so many times longer. */
  slowFactor = 1;
  /** Share of calls that fail with UNAVAILABLE after their work. */
  errorRate = 0;

  constructor(
    world: World,
    name: string,
    address: string,
    config: PodConfig,
    events: PodEvents = {},
  ) {
    this.#world = world;
    this.name = name;
    this.address = address;
    this.config = config;
    this.#events = events;
    this.#rng = world.rng(`pod ${name}`);
    this.#loop = world.newLoop();
    this.#meter = config.reportsLoad === true ? new LoadMeter(config.workers) : null;
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** A client's connection arrives. */
  accept(socket: VirtualSocket, line: Line): void {
    const config = { ...DEFAULT_CONNECTION_CONFIG, maxStreams: this.config.maxStreams };
    const user = new PodConnection(this);
    const connection = new SocketConnection(socket, "server", user, config, this.#loop);
    this.#connections.set(connection, line);
    socket.on("close", () => this.#onClosed(connection));
  }

  #onClosed(connection: SocketConnection<VirtualSocket>): void {
    this.#connections.delete(connection);
  }

  /** A call begins here. */
  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    const call = new ServedCall(stream, list, this);
    if (this.isRefusing) stream.reset(ErrorCode.REFUSED_STREAM);
    else if (isEnd) this.onComplete(call);
    return call;
  }

  onComplete(call: ServedCall): void {
    if (!this.isAlive || this.isRefusing) return;
    if (this.#busy >= this.config.workers && this.#queue.length >= this.config.queueMax) {
      call.refuse(Status.RESOURCE_EXHAUSTED, "the pod is overloaded");
      return;
    }
    this.executed += 1;
    this.#events.onExecuted?.(this, call.request);
    this.#queue.push(call);
    this.#workOnNext();
  }

  #workOnNext(): void {
    while (this.#busy < this.config.workers && this.#queue.length > 0) {
      const call = this.#queue.shift()!;
      if (call.isAbandoned) continue;
      this.#busy += 1;
      const { workMs, streamMs = workMs } = this.config;
      const ms = (call.isStreaming ? streamMs : workMs)(this.#rng) * this.slowFactor;
      const isFailing = this.errorRate > 0 && this.#rng.next() < this.errorRate;
      call.work(ms, isFailing ? Status.UNAVAILABLE : Status.OK, () => {
        this.#busy -= 1;
        this.#meter?.onWorked(ms, isFailing, this.#world.nowMs);
        this.#workOnNext();
      });
    }
  }

  get okTrailers(): HeaderList | null {
    return this.#meter === null ? null : this.#meter.trailers;
  }

  after(ms: number, fn: () => void): void {
    this.#world.after(ms, () => {
      if (this.isAlive) fn();
    });
  }

  /**
   * SIGTERM, to a server that knows how to leave: it goes on for `drainDelayMs`, then closes its
   * port and drains (two-step GOAWAY). What is not over `graceMs` after the signal is killed.
   */
  terminate(drainDelayMs: number, graceMs: number): void {
    this.after(drainDelayMs, () => {
      this.isListening = false;
      for (const connection of this.#connections.keys()) connection.drain("shutting down");
      this.#exitWhenEmpty();
    });
    this.after(graceMs, () => this.kill());
  }

  #exitWhenEmpty(): void {
    if (this.#connections.size === 0) this.#exit();
    else this.after(20, () => this.#exitWhenEmpty());
  }

  /** SIGKILL: the kernel resets its connections. */
  kill(): void {
    if (!this.isAlive) return;
    this.isKilled = true;
    for (const connection of [...this.#connections.keys()]) connection.socket.reset();
    this.#exit();
  }

  /** The machine is gone, without a FIN or a reset. */
  vanish(): void {
    this.isSilent = true;
    for (const [connection, line] of this.#connections) {
      line.isCut = true;
      connection.socket.destroy();
    }
    this.#exit();
  }

  #exit(): void {
    this.isListening = false;
    this.isAlive = false;
    this.#queue.length = 0;
    this.#events.onExited?.(this);
  }
}

/** One connection of a client, as its pod sees it. */
class PodConnection implements SocketConnectionEvents {
  readonly #pod: Pod;

  constructor(pod: Pod) {
    this.#pod = pod;
  }

  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    return this.#pod.onStream(stream, list, isEnd);
  }

  onReady(): void {}
  onCapacity(): void {}
  onGoAway(): void {}
  onClosed(): void {}
}
