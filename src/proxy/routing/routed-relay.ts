/**
 * A relay whose route changes the headers of its answer or has copies of its request made. Calls of
 * routes that do neither have a plain `Relay`.
 */
import type { CallFailure, Cluster } from "../../cluster/index.ts";
import type { HeaderList, Stream, StreamFailure } from "../../http2/index.ts";
import type { HeaderChanger } from "../../routes/index.ts";
import { Relay, type RelayOwner } from "../relay.ts";
import type { MirrorCall } from "./mirrors.ts";

/** See the head of this file. */
export class RoutedRelay extends Relay {
  readonly #changer: HeaderChanger | null;
  #mirrors: readonly MirrorCall[] = [];

  constructor(
    owner: RelayOwner,
    stream: Stream,
    list: HeaderList,
    cluster: Cluster,
    changer: HeaderChanger | null,
  ) {
    super(owner, stream, list, cluster);
    this.#changer = changer;
  }

  /** Copies that get what the caller sends. */
  mirrorTo(mirrors: readonly MirrorCall[]): void {
    this.#mirrors = mirrors;
  }

  override onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    for (const mirror of this.#mirrors) mirror.sendData(bytes, start, end, isEnd);
    return super.onData(bytes, start, end, isEnd);
  }

  override onTrailers(list: HeaderList): void {
    for (const mirror of this.#mirrors) mirror.sendTrailers(list);
    super.onTrailers(list);
  }

  override onReset(failure: StreamFailure): void {
    this.#onOver();
    super.onReset(failure);
  }

  override onResponse(list: HeaderList, isEnd: boolean): void {
    if (isEnd) this.#onOver();
    super.onResponse(this.#changer === null ? list : this.#changer.apply(list), isEnd);
  }

  override onResponseData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (isEnd) this.#onOver();
    return super.onResponseData(bytes, start, end, isEnd);
  }

  override onResponseTrailers(list: HeaderList): void {
    this.#onOver();
    super.onResponseTrailers(list);
  }

  override onFailed(failure: CallFailure): void {
    this.#onOver();
    super.onFailed(failure);
  }

  #onOver(): void {
    for (const mirror of this.#mirrors) mirror.onMainOver();
  }
}
