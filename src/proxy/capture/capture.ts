/**
 * Captured connections: where each was to go decides what becomes of it.
 *
 * A known gRPC port of a Service and a client that begins to speak HTTP/2 in plaintext: the calls
 * are ours to balance. Everything else passes through to where it was to go, as TCP, at once. It
 * makes no listener's connection itself: that is `Acceptor`'s, and the calls' is the proxy's.
 */
import type { Socket } from "node:net";
import type { Clock, Logger } from "../../base/index.ts";
import type { ListenerSpec } from "../../mesh/index.ts";
import type { Registry } from "../../telemetry/index.ts";
import { remoteOf } from "../../transport/index.ts";
import { RefusalLog } from "../refusal-log.ts";
import type { Place } from "./admission.ts";
import { type DestinationTable, NO_DESTINATIONS } from "./destinations.ts";
import { CaptureFigures, type CaptureReason, type DecisionView } from "./figures.ts";
import type { OriginalDestinations } from "./lookup.ts";
import { LoopGuard } from "./loop-guard.ts";
import { Passthrough, type PassthroughEvents } from "./passthrough.ts";
import { type Sniffed, sniff } from "./sniffer.ts";
import { type Destination, destinationText } from "./sockaddr.ts";

/** Who takes the connections that are ours to balance. */
export interface CapturedCalls {
  /** Counts a socket; null when there are too many: it was closed. */
  tryAdmit(socket: Socket): Place | null;
  /** Begins HTTP/2 on a socket of which `first` was read. To be done on the same turn. */
  accept(socket: Socket, first: Buffer, listener: ListenerSpec): void;
}

/** Which way a captured connection goes: from here to a Service, or to this pod. */
export type Direction = "outbound" | "inbound";

/** What capture needs. */
export interface CaptureDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  readonly destinations: OriginalDestinations;
  readonly calls: CapturedCalls;
  /** Ports that captured connections come to. */
  readonly ownPorts: () => ReadonlySet<number>;
}

/** What capture does, for people. */
export interface CaptureView {
  /** Addresses and ports of Services that speak gRPC. */
  readonly knownDestinations: number;
  readonly passthroughConnections: number;
  readonly decisions: readonly DecisionView[];
}

/** A connection that was admitted. */
interface Captured {
  readonly socket: Socket;
  readonly place: Place;
  readonly destination: Destination;
}

interface Wait {
  isOver(): boolean;
  resolve(): void;
}

const NOTHING = Buffer.alloc(0);

const REASONS: Readonly<Record<Exclude<Sniffed, "http2">, CaptureReason>> = {
  other: "other_protocol",
  silent: "silent_client",
  ended: "ended_client",
};

/** See the head of this file. */
export class Capture implements PassthroughEvents {
  readonly #deps: CaptureDeps;
  readonly #figures: CaptureFigures;
  readonly #refusals: RefusalLog;
  readonly #loops: LoopGuard;
  readonly #passing = new Set<Passthrough>();
  /** Those of which it is not known yet what they speak. */
  readonly #sniffing = new Set<Socket>();
  readonly #waits = new Set<Wait>();
  #table: DestinationTable = NO_DESTINATIONS;

  constructor(deps: CaptureDeps) {
    this.#deps = deps;
    this.#refusals = new RefusalLog(deps.log, deps.clock);
    this.#loops = new LoopGuard(deps.ownPorts);
    const open = () => this.#passing.size;
    this.#figures = new CaptureFigures(deps.registry, open, () => this.#table.size);
  }

  /** What is known from now on; connections that are open stay as they are. */
  setTable(table: DestinationTable): void {
    this.#table = table;
  }

  /** A captured socket that nobody has read of. It allows a half-open end. */
  onSocket(socket: Socket, direction: Direction): void {
    socket.on("error", () => {}); // told by its close
    const place = this.#deps.calls.tryAdmit(socket);
    if (place === null) {
      this.#figures.note("limit", null, null);
      return;
    }
    const destination = this.#deps.destinations.of(socket);
    if (this.#loops.isOwn(socket)) this.#refuse(socket, "loop", destination);
    else if (destination === null || this.#loops.isOurs(destination)) {
      this.#refuse(socket, "not_captured", destination);
    } else {
      const captured = { socket, place, destination };
      if (direction === "inbound") this.#pass(captured, NOTHING, "inbound", null);
      else this.#decide(captured);
    }
  }

  #decide(captured: Captured): void {
    const { socket, destination } = captured;
    const listener = this.#table.find(destination);
    if (listener === null) {
      this.#pass(captured, NOTHING, "unknown_destination", null);
      return;
    }
    this.#sniffing.add(socket);
    const onKnown = (): void => {
      this.#sniffing.delete(socket);
      this.#look();
    };
    socket.once("close", onKnown);
    sniff(socket, this.#deps.clock, (sniffed, first) => {
      socket.off("close", onKnown);
      if (sniffed === "http2") {
        this.#figures.note("preface", destinationText(destination), listener.name);
        // The name may mean another route by now, or none: what is in force counts.
        this.#deps.calls.accept(socket, first, this.#table.find(destination) ?? listener);
      } else this.#pass(captured, first, REASONS[sniffed], listener);
      onKnown();
    });
  }

  #pass(
    { socket, place, destination }: Captured,
    first: Buffer,
    reason: CaptureReason,
    listener: ListenerSpec | null,
  ): void {
    this.#figures.note(reason, destinationText(destination), listener?.name ?? null);
    const passthrough = new Passthrough(socket, destination, first, this.#deps.clock, this);
    place.hold(passthrough.upstream);
    this.#passing.add(passthrough);
  }

  #refuse(socket: Socket, reason: "loop" | "not_captured", destination: Destination | null): void {
    const text = destination && destinationText(destination);
    this.#figures.note(reason, text, null);
    const remote = remoteOf(socket);
    this.#refusals.warn("captured connection refused", reason, () => ({
      ...{ remote, reason, destination: text },
    }));
    socket.resetAndDestroy();
  }

  // PassthroughEvents

  onConnected(passthrough: Passthrough): void {
    if (!this.#loops.isBack(passthrough.upstream)) return;
    this.#refusals.warn("captured connection refused", "loop", () => ({
      ...{ reason: "loop", destination: destinationText(passthrough.destination) },
    }));
    passthrough.cut("loop");
  }

  onClosed(passthrough: Passthrough, reason: string | null): void {
    this.#passing.delete(passthrough);
    this.#figures.bytesUp.add(passthrough.bytesUp);
    this.#figures.bytesDown.add(passthrough.bytesDown);
    if (reason !== null) this.#figures.failedConnects.add();
    this.#look();
  }

  /** About once a second. */
  onTick(): void {
    this.#refusals.onTick();
  }

  /** Resolves when it is known of each connection what it speaks: it passes, or was handed on. */
  sniffed(): Promise<void> {
    return this.#until(() => this.#sniffing.size === 0);
  }

  /** Resolves when, besides, nothing passes through any more. */
  idle(): Promise<void> {
    return this.#until(() => this.#sniffing.size + this.#passing.size === 0);
  }

  #until(isOver: () => boolean): Promise<void> {
    if (isOver()) return Promise.resolve();
    return new Promise((resolve) => this.#waits.add({ isOver, resolve }));
  }

  #look(): void {
    for (const wait of this.#waits) {
      if (!wait.isOver()) continue;
      this.#waits.delete(wait);
      wait.resolve();
    }
  }

  /** Ends what passes through, and what is looked at still. */
  close(): void {
    for (const socket of [...this.#sniffing]) socket.resetAndDestroy();
    for (const passthrough of [...this.#passing]) passthrough.cut("closed");
  }

  /** What was done, for people. */
  view(): CaptureView {
    return {
      knownDestinations: this.#table.size,
      passthroughConnections: this.#passing.size,
      decisions: this.#figures.decisions(),
    };
  }
}
