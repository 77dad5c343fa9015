/**
 * A channel as grpc-js' `Client` wants one (`ChannelInterface`), over a `ClientChannel`.
 *
 * Users never see it: they pass `fairleadChannel()` to their stubs. What differs from a stock
 * channel is in docs/client.md.
 */
import type {
  CallCredentials,
  ChannelInterface,
  connectivityState,
  Deadline,
  Metadata,
} from "@grpc/grpc-js";
import type { Timer } from "../../base/index.ts";
import { realClock } from "../../base/index.ts";
import type { ClusterView, Connectivity } from "../../cluster/index.ts";
import { Status } from "../../grpc/index.ts";
import {
  type CallOptions,
  type ClientCall,
  type ClientCallEvents,
  type ClientChannel,
  clockTimeOf,
  timerAt,
} from "../core/index.ts";
import { GrpcJsCall, type GrpcJsCallOwner } from "./call.ts";
import { callProblem } from "./call-problem.ts";
import { type ChannelRef, type ChannelzCalls, ChannelzEntry } from "./channelz.ts";
import type { GrpcModule } from "./grpc-module.ts";

type GrpcJsChannelCall = ReturnType<ChannelInterface["createCall"]>;
type ParentCall = Parameters<ChannelInterface["createCall"]>[3];

let lastCallNumber = 0;

/** What a channel has beside its core. */
export interface GrpcJsChannelConfig {
  readonly callCredentials: CallCredentials | null;
  /** Whether call credentials may go over plaintext. */
  readonly allowsPlaintextCredentials: boolean;
  readonly isInChannelz: boolean;
  /** What the channel used of its credentials is used no more. */
  release(): void;
}

/** See the head of this file. */
export class GrpcJsChannel implements ChannelInterface, GrpcJsCallOwner {
  readonly grpc: GrpcModule;
  readonly setTimer = timerAt;
  readonly #channel: ClientChannel;
  readonly #config: GrpcJsChannelConfig;
  readonly #channelz: ChannelzEntry;
  readonly #calls: ChannelzCalls = {
    callsStarted: 0,
    callsSucceeded: 0,
    callsFailed: 0,
    lastCallStartedTimestamp: null,
  };

  constructor(grpc: GrpcModule, channel: ClientChannel, config: GrpcJsChannelConfig) {
    this.grpc = grpc;
    this.#channel = channel;
    this.#config = config;
    const state = (): connectivityState => this.#state(channel.connectivity(false));
    this.#channelz = new ChannelzEntry(channel.target, config.isInChannelz, this.#calls, state);
  }

  get target(): string {
    return this.#channel.target;
  }

  getTarget(): string {
    return this.#channel.target;
  }

  /** What is behind it, endpoint by endpoint; null while it is idle. */
  view(): ClusterView | null {
    return this.#channel.view();
  }

  close(): void {
    if (this.#channel.isClosed) return;
    this.#channel.close();
    this.#config.release();
    this.#channelz.remove();
  }

  getConnectivityState(tryToConnect: boolean): connectivityState {
    return this.#state(this.#channel.connectivity(tryToConnect));
  }

  #state(state: Connectivity): connectivityState {
    return this.grpc.connectivityState[state];
  }

  /** As grpc-js has it: a watcher keeps the process alive until its deadline. */
  watchConnectivityState(
    currentState: connectivityState,
    deadline: Date | number,
    callback: (error?: Error) => void,
  ): void {
    if (this.#channel.isClosed) throw new Error("Channel has been shut down");
    if (this.getConnectivityState(false) !== currentState) {
      process.nextTick(callback);
      return;
    }
    // What is no time has passed.
    const atMs = Number(deadline) || 0;
    let timer: Timer | null = null;
    const stop = this.#channel.watchConnectivity((state) => {
      if (this.#state(state) === currentState) return;
      stop();
      timer?.cancel();
      process.nextTick(callback);
    });
    if (atMs === Number.POSITIVE_INFINITY) return;
    timer = timerAt(clockTimeOf(atMs), () => {
      stop();
      callback(new Error("Deadline passed without connectivity state change"));
    });
  }

  getChannelzRef(): ChannelRef {
    return this.#channelz.ref;
  }

  createCall(
    method: string,
    deadline: Deadline,
    host: string | null | undefined,
    parentCall: ParentCall,
    propagateFlags: number | null | undefined,
  ): GrpcJsChannelCall {
    if (typeof method !== "string")
      throw new TypeError("Channel#createCall: method must be a string");
    if (!(typeof deadline === "number" || deadline instanceof Date)) {
      throw new TypeError("Channel#createCall: deadline must be a number or Date");
    }
    if (this.#channel.isClosed) throw new Error("Channel has been shut down");
    const { propagate } = this.grpc;
    const flags = propagateFlags ?? propagate.DEFAULTS;
    let atMs = Number(deadline);
    if (parentCall !== null && parentCall !== undefined && (flags & propagate.DEADLINE) !== 0) {
      atMs = Math.min(atMs, Number(parentCall.getDeadline()));
    }
    const problem = callProblem(method, atMs, host);
    const options: CallOptions = {
      path: method,
      deadlineMs: clockTimeOf(atMs),
      host: host ?? null,
      waitForReady: null,
      encoding: null,
    };
    lastCallNumber += 1;
    this.#calls.callsStarted += 1;
    this.#calls.lastCallStartedTimestamp = realClock().wallMs();
    const call = new GrpcJsCall(this, options, lastCallNumber);
    if (problem !== null) {
      call.cancelWithStatus(problem.code, problem.details);
      return call as unknown as GrpcJsChannelCall;
    }
    if (parentCall !== null && parentCall !== undefined && (flags & propagate.CANCELLATION) !== 0) {
      const cancel = (): void =>
        call.cancelWithStatus(Status.CANCELLED, "Cancelled by parent call");
      parentCall.on("cancelled", cancel);
    }
    return call as unknown as GrpcJsChannelCall;
  }

  // GrpcJsCallOwner

  start(options: CallOptions, events: ClientCallEvents): ClientCall {
    return this.#channel.createCall(options, events);
  }

  onStatus(code: number): void {
    if (code === Status.OK) this.#calls.callsSucceeded += 1;
    else this.#calls.callsFailed += 1;
  }

  mayCarry(own: CallCredentials | null): boolean {
    if (own === null || this.#channel.settings.scheme === "https") return true;
    return this.#config.allowsPlaintextCredentials;
  }

  callMetadata({ path, host }: CallOptions, own: CallCredentials | null): Promise<Metadata> | null {
    const { callCredentials } = this.#config;
    const credentials = combined(own, callCredentials);
    if (credentials === null) return null;
    const { authority } = this.#channel.settings;
    const hostname = (host ?? authority).replace(/:443$/, "");
    const service = path.slice(1, path.lastIndexOf("/"));
    return credentials.generateMetadata({
      method_name: path.slice(path.lastIndexOf("/") + 1),
      service_url: `https://${hostname}/${service}`,
    });
  }
}

function combined(
  own: CallCredentials | null,
  channel: CallCredentials | null,
): CallCredentials | null {
  if (own === null || channel === null) return own ?? channel;
  return own.compose(channel);
}
