/**
 * The peers of a replica: who they are, by a resolver, and what they say of their load.
 *
 * Which of the addresses is our own is not guessed: whoever answers with our own instance is us.
 * An address that leaves the target is forgotten at once, one that falls silent when its last
 * figures are old.
 */
import type { Clock, Logger, Rng } from "../../base/index.ts";
import type { EndpointSet, Resolver } from "../../discovery/index.ts";
import type { Registry } from "../../telemetry/index.ts";
import type { PeerAnswer } from "./figures.ts";
import { PeerPoll, type PollFailure } from "./peer-poll.ts";
import type { PeerTls } from "./peer-tls.ts";
import { FIGURES_AGE_MS_MAX, type PeerLoad } from "./shed-planner.ts";
import type { PeerState, PeerView } from "./view.ts";

/** Addresses that are asked; a target with more is asked for these alone. */
export const PEERS_MAX = 256;

/** What an exchange is made of. */
export interface ExchangeDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly registry: Registry;
  readonly tls: PeerTls | null;
  /** Of the peers' target, not started yet; the exchange starts and closes it. */
  readonly resolver: Resolver;
}

interface Peer {
  readonly poll: PeerPoll;
  answer: PeerAnswer | null;
  /** When it was so, by our clock. */
  takenMs: number;
  /** Why it does not answer; "" while it does. */
  silence: string;
}

/** See the head of this file. */
export class PeerExchange {
  readonly #instance: string;
  readonly #deps: ExchangeDeps;
  readonly #peers = new Map<string, Peer>();
  readonly #failed: Readonly<Record<PollFailure, { add(): void }>>;

  /** @param instance ours. */
  constructor(instance: string, deps: ExchangeDeps) {
    this.#instance = instance;
    this.#deps = deps;
    const failed = (reason: PollFailure) =>
      deps.registry.counter(
        "fairlead_peer_polls_failed_total",
        "Questions to other replicas that brought no figures.",
        { reason },
      );
    this.#failed = { unreachable: failed("unreachable"), malformed: failed("malformed") };
  }

  /** Begins to look for peers and to ask them. */
  start(): void {
    const { resolver, log } = this.#deps;
    resolver.start({
      onEndpoints: (set) => this.#onEndpoints(set),
      onError: (reason) =>
        log.warn("peers cannot be resolved", { target: resolver.target, reason }),
    });
  }

  /** Asks nobody any more. */
  close(): void {
    this.#deps.resolver.close();
    for (const { poll } of this.#peers.values()) poll.close();
    this.#peers.clear();
  }

  #onEndpoints({ endpoints }: EndpointSet): void {
    const asked = endpoints.slice(0, PEERS_MAX).map(({ address }) => address);
    if (endpoints.length > PEERS_MAX) {
      const { log, resolver } = this.#deps;
      const target = resolver.target;
      log.warn("too many peers", { target, peers: endpoints.length, asked: PEERS_MAX });
    }
    const known = new Set(asked);
    for (const [address, peer] of this.#peers) {
      if (known.has(address)) continue;
      peer.poll.close();
      this.#peers.delete(address);
    }
    for (const address of known) {
      if (!this.#peers.has(address)) this.#peers.set(address, this.#newPeer(address));
    }
  }

  #newPeer(address: string): Peer {
    const { clock, rng, tls } = this.#deps;
    const poll = new PeerPoll(address, {
      ...{ clock, rng, tls },
      onAnswer: (answer) => this.#onAnswer(address, answer),
      onSilent: (why, reason) => this.#onSilent(address, why, reason),
    });
    return { poll, answer: null, takenMs: 0, silence: REASONS.UNKNOWN };
  }

  #onAnswer(address: string, answer: PeerAnswer): void {
    const peer = this.#peers.get(address)!;
    const { clock, log } = this.#deps;
    peer.takenMs = clock.nowMs() - answer.ageMs;
    if (peer.answer !== null && peer.silence !== "")
      log.info("peer answers again", { peer: address });
    peer.answer = answer;
    peer.silence = "";
  }

  #onSilent(address: string, why: PollFailure, reason: string): void {
    this.#failed[why].add();
    const peer = this.#peers.get(address)!;
    if (peer.silence !== reason) this.#deps.log.warn("peer is silent", { peer: address, reason });
    peer.silence = reason;
  }

  /** The loads that count, and how many peers have none. One that draws back is neither. */
  loads(): { peers: PeerLoad[]; missing: number } {
    const nowMs = this.#deps.clock.nowMs();
    /** A replica may have several addresses. */
    const byInstance = new Map<string, PeerLoad>();
    let missing = 0;
    for (const peer of this.#peers.values()) {
      const state = this.#stateOf(peer, nowMs);
      if (state === "SILENT" || state === "UNKNOWN") missing += 1;
      if (state !== "ANSWERING") continue;
      const { instance, connections, callsPerSecond } = peer.answer!;
      const ageMs = nowMs - peer.takenMs;
      const other = byInstance.get(instance);
      if (other !== undefined && other.ageMs <= ageMs) continue;
      byInstance.set(instance, { connections, callsPerSecond, ageMs });
    }
    return { peers: [...byInstance.values()], missing };
  }

  #stateOf({ answer, takenMs }: Peer, nowMs: number): PeerState {
    if (answer === null) return "UNKNOWN";
    if (answer.instance === this.#instance) return "SELF";
    if (nowMs - takenMs > FIGURES_AGE_MS_MAX) return "SILENT";
    return answer.draining ? "DRAINING" : "ANSWERING";
  }

  /** Peers in a state. */
  count(state: PeerState): number {
    const nowMs = this.#deps.clock.nowMs();
    return [...this.#peers.values()].filter((peer) => this.#stateOf(peer, nowMs) === state).length;
  }

  /** All addresses, sorted. */
  views(): PeerView[] {
    const nowMs = this.#deps.clock.nowMs();
    const list = [...this.#peers].map(([address, peer]): PeerView => {
      const { answer, takenMs, silence } = peer;
      const state = this.#stateOf(peer, nowMs);
      return {
        address,
        state,
        reason: silence === "" ? REASONS[state] : silence,
        instance: answer?.instance ?? null,
        connections: answer?.connections ?? null,
        callsPerSecond: answer?.callsPerSecond ?? null,
        ageMs: answer === null ? null : nowMs - takenMs,
      };
    });
    return list.sort((a, b) => (a.address < b.address ? -1 : 1));
  }
}

/** Why a peer is in a state, where its own silence is no reason. */
const REASONS: Readonly<Record<PeerState, string>> = {
  ANSWERING: "answers",
  DRAINING: "takes no new connections",
  SELF: "this replica",
  SILENT: "its last figures are old",
  UNKNOWN: "not asked yet",
};
