/**
 * State of the world: each request names everything that is wanted of a type, each answer is one
 * version of it. https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import type { Node } from "../../../xds/index.ts";
import { type Answered, type Dialect, type Wanted, WILDCARD } from "./dialect.ts";
import { type AdsResponse, decodeSotw, encodeSotw } from "./wire.ts";

/** One type, on one stream but for its version. */
interface TypeState {
  /** "The version_info ... is the version of the last successfully accepted": outlives streams. */
  version: string;
  /** "a nonce is only valid within the stream on which it was received". */
  nonce: string;
  /** Names that the server was told, joined; null before the first request of the stream. */
  told: string | null;
  /** Whether it was told any name: then an empty list is no wildcard any more. */
  hasNamed: boolean;
}

/** See the head of this file. */
export class SotwDialect implements Dialect {
  readonly path =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
  readonly #node: Node;
  readonly #types = new Map<string, TypeState>();
  /** "Only the first request on a stream is guaranteed to carry the node identifier." */
  #isFirst = true;

  constructor(node: Node) {
    this.#node = node;
  }

  reset(): void {
    this.#isFirst = true;
    for (const state of this.#types.values()) {
      state.nonce = "";
      state.told = null;
      state.hasNamed = false;
    }
  }

  subscribe(wanted: Wanted): Uint8Array | null {
    const state = this.#state(wanted.typeUrl);
    const isNothing = wanted.names.length === 0 && !wanted.isWildcard;
    if (isNothing && state.told === null) return null;
    if (state.told === toldBy(wanted)) return null;
    return this.#request(state, wanted, null);
  }

  decode(bytes: Uint8Array): AdsResponse | null {
    return decodeSotw(bytes);
  }

  acknowledge(response: Answered, problem: string | null, wanted: Wanted): Uint8Array {
    this.skip(response, problem);
    const state = this.#state(response.typeUrl);
    state.nonce = response.nonce;
    return this.#request(state, wanted, problem);
  }

  /** A NACK repeats the version before. */
  skip({ typeUrl, version }: Answered, problem: string | null): void {
    if (problem === null) this.#state(typeUrl).version = version;
  }

  #state(typeUrl: string): TypeState {
    let state = this.#types.get(typeUrl);
    if (state === undefined) {
      state = { version: "", nonce: "", told: null, hasNamed: false };
      this.#types.set(typeUrl, state);
    }
    return state;
  }

  #request(state: TypeState, wanted: Wanted, problem: string | null): Uint8Array {
    const { typeUrl, names, isWildcard } = wanted;
    // "... the client sends a request with no resource names": only understood as a wildcard while
    // no name was ever said on the stream.
    const isLegacy = isWildcard && names.length === 0 && !state.hasNamed;
    const asked = isWildcard && !isLegacy ? [WILDCARD, ...names] : names;
    state.hasNamed ||= asked.length > 0;
    state.told = toldBy(wanted);
    const node = this.#isFirst ? this.#node : null;
    this.#isFirst = false;
    const { version, nonce } = state;
    return encodeSotw({ node, typeUrl, names: asked, version, nonce, problem });
  }
}

function toldBy({ names, isWildcard }: Wanted): string {
  return `${isWildcard ? "*" : ""}\n${names.join("\n")}`;
}
