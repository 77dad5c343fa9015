/**
 * Incremental ADS: requests say what is wanted more or no more, answers what has changed.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#incremental-xds
 */
import type { Node } from "../../../xds/index.ts";
import { type Answered, type Dialect, type Versions, type Wanted, WILDCARD } from "./dialect.ts";
import { type AdsResponse, decodeDelta, encodeDelta } from "./wire.ts";

const NOTHING: readonly string[] = [];
const NO_VERSIONS: Versions = {};

/** See the head of this file. */
export class DeltaDialect implements Dialect {
  readonly path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
  readonly #node: Node;
  /** Names that the server was told on this stream, by type. */
  readonly #told = new Map<string, ReadonlySet<string>>();
  #isFirst = true;

  constructor(node: Node) {
    this.#node = node;
  }

  reset(): void {
    this.#isFirst = true;
    this.#told.clear();
  }

  subscribe(asked: Wanted, versions: () => Versions): Uint8Array | null {
    const { typeUrl, names, isWildcard } = asked;
    const told = this.#told.get(typeUrl);
    const wanted = new Set(isWildcard ? [WILDCARD, ...names] : names);
    if (told === undefined) {
      if (wanted.size === 0) return null;
      this.#told.set(typeUrl, wanted);
      // "... if the first request of a type has an empty resource_names_subscribe": a wildcard,
      // which older servers understand too.
      const isLegacy = isWildcard && names.length === 0;
      const subscribe = isLegacy ? NOTHING : [...wanted];
      return this.#request(typeUrl, subscribe, NOTHING, versions());
    }
    const subscribe = [...wanted].filter((name) => !told.has(name));
    const unsubscribe = [...told].filter((name) => !wanted.has(name));
    if (subscribe.length === 0 && unsubscribe.length === 0) return null;
    this.#told.set(typeUrl, wanted);
    return this.#request(typeUrl, subscribe, unsubscribe, NO_VERSIONS);
  }

  decode(bytes: Uint8Array): AdsResponse | null {
    return decodeDelta(bytes);
  }

  acknowledge({ typeUrl, nonce }: Answered, problem: string | null): Uint8Array {
    return this.#request(typeUrl, NOTHING, NOTHING, NO_VERSIONS, nonce, problem);
  }

  /** Servers keep to the newest nonce of a type. */
  skip(): void {}

  #request(
    typeUrl: string,
    subscribe: readonly string[],
    unsubscribe: readonly string[],
    versions: Versions,
    nonce = "",
    problem: string | null = null,
  ): Uint8Array {
    const node = this.#isFirst ? this.#node : null;
    this.#isFirst = false;
    return encodeDelta({ node, typeUrl, subscribe, unsubscribe, versions, nonce, problem });
  }
}
