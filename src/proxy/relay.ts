/**
 * The relay of one call: a downstream stream on one side, a cluster's call on the other.
 *
 * Both sides call straight into it; it turns each event of one side into the verb of the other.
 * Credit is relayed end to end: what one side has not taken yet is not granted to the other.
 */

import type { CallEvents, CallFailure, Cluster, ClusterCall } from "../cluster/index.ts";
import type { Status } from "../grpc/index.ts";
import {
  ErrorCode,
  type HeaderList,
  type Stream,
  type StreamEvents,
  type StreamFailure,
} from "../http2/index.ts";
import { answer } from "./answers.ts";

/** What a relay tells the proxy. */
export interface RelayOwner {
  /** A call ended without a response of the server. */
  onRelayFailed(failure: CallFailure, list: HeaderList): void;
}

/** See the head of this file. */
export class Relay implements StreamEvents, CallEvents {
  /** Where its call goes. */
  readonly cluster: Cluster;
  readonly #owner: RelayOwner;
  readonly #stream: Stream;
  readonly #list: HeaderList;
  #call: ClusterCall | null = null;

  constructor(owner: RelayOwner, stream: Stream, list: HeaderList, cluster: Cluster) {
    this.cluster = cluster;
    this.#owner = owner;
    this.#stream = stream;
    this.#list = list;
  }

  /** Joins the upstream side, before the call is started. */
  join(call: ClusterCall): void {
    this.#call = call;
  }

  /** Whether an endpoint is at work on it: its answer is not complete. */
  get isServed(): boolean {
    return this.#call!.subchannel !== null;
  }

  /** Ends the call with a reason: there is no more time, or no more room, for it. */
  cut(kind: CallFailure["kind"], status: Status, reason: string): void {
    const failure = { kind, code: ErrorCode.CANCEL, status, reason };
    this.#call!.cancel(ErrorCode.CANCEL);
    this.onFailed(failure);
  }

  // Downstream: what the caller sends.

  onHeaders(): void {}

  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    return this.#call!.sendData(bytes, start, end, isEnd);
  }

  onTrailers(list: HeaderList): void {
    this.#call!.sendTrailers(list);
  }

  onReset(failure: StreamFailure): void {
    const isOwnCode = failure.by === "remote" && failure.code !== ErrorCode.NO_ERROR;
    this.#call!.cancel(isOwnCode ? failure.code : ErrorCode.CANCEL);
  }

  onWritable(bytes: number): void {
    this.#call!.credit(bytes);
  }

  // Upstream: what the server sends. A 1xx comes in both interfaces, but only from upstream.

  onInformational(list: HeaderList): void {
    this.#stream.sendInformational(list);
  }

  onResponse(list: HeaderList, isEnd: boolean): void {
    this.#stream.sendHeaders(list, isEnd);
  }

  onResponseData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    return this.#stream.sendData(bytes, start, end, isEnd);
  }

  onResponseTrailers(list: HeaderList): void {
    this.#stream.sendTrailers(list);
  }

  onRequestWritable(bytes: number): void {
    this.#stream.credit(bytes);
  }

  onRequestStopped(code: ErrorCode): void {
    this.#stream.resetAfterQueue(code);
  }

  onFailed(failure: CallFailure): void {
    this.#owner.onRelayFailed(failure, this.#list);
    const isReset = failure.kind === "reset" && failure.code !== ErrorCode.NO_ERROR;
    if (isReset) this.#stream.reset(failure.code);
    else answer(this.#stream, this.#list, failure.status, failure.reason);
  }
}
