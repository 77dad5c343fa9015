/**
 * What a node asks on its stream: the certificate that it comes with, who it is, and request after
 * request, each checked and applied.
 */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { Status } from "../../grpc/index.ts";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type Node,
  RESOURCE_TYPES,
  type ResourceType,
} from "../../xds/index.ts";
import { namespacesOf, nodeProblem } from "./authorize.ts";
import { readNode, shown } from "./node-info.ts";
import { applyDeltaNames, applySotwNames, type Problem } from "./requests.ts";
import type { AdsStream } from "./stream.ts";
import type { Subscription } from "./subscription.ts";

/** What a stream's owner hears. */
export interface RequestEvents {
  /** The first request said who it is. */
  onIntroduced(): void;
  /** The stream ends for this reason. */
  onRefused(reason: string): void;
}

const TYPES: ReadonlySet<string> = new Set(Object.values(RESOURCE_TYPES));
const NO_CERTIFICATE = "discovery here needs a client certificate (fairlead control --authorize)";
const NO_NAMESPACE =
  "the client certificate names no namespace: URI spiffe://TRUST/ns/NAMESPACE/sa/NAME or " +
  "DNS NAME.NAMESPACE.svc is needed";

/** See the head of this file. */
export class StreamRequests {
  readonly #stream: AdsStream;
  readonly #isAuthorized: boolean;
  readonly #events: RequestEvents;

  constructor(stream: AdsStream, isAuthorized: boolean, events: RequestEvents) {
    this.#stream = stream;
    this.#isAuthorized = isAuthorized;
    this.#events = events;
  }

  /** Ends a stream whose certificate is of nobody, before it says anything. */
  checkCertificate(): void {
    if (!this.#isAuthorized) return;
    const { peerNames } = this.#stream.call;
    if (peerNames === null) {
      this.#end(Status.UNAUTHENTICATED, NO_CERTIFICATE);
      return;
    }
    const namespaces = namespacesOf(peerNames);
    if (namespaces.length === 0) this.#end(Status.PERMISSION_DENIED, NO_NAMESPACE);
    else this.#stream.namespaces = namespaces;
  }

  /** One request. */
  onMessage(message: Uint8Array): void {
    if (this.#stream.isDelta) {
      const request = this.#parse(DeltaDiscoveryRequestSchema, message);
      if (request !== null) this.#onDelta(request);
    } else {
      const request = this.#parse(DiscoveryRequestSchema, message);
      if (request !== null) this.#onSotw(request);
    }
  }

  /** Null for bytes that are none, which end the stream. */
  #parse<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> | null {
    try {
      return fromBinary(schema, bytes);
    } catch (error) {
      this.#refuse(`not a ${schema.name}: ${shown((error as Error).message)}`);
      return null;
    }
  }

  #onSotw(request: DiscoveryRequest): void {
    const subscription = this.#begin(request.node, request.typeUrl);
    if (subscription === null) return;
    const { responseNonce, resourceNames, errorDetail } = request;
    const { lastNonce } = subscription;
    // "the server should ignore requests with a stale nonce"
    if (lastNonce !== "" && responseNonce !== "" && responseNonce !== lastNonce) return;
    if (responseNonce !== "" && responseNonce === lastNonce) {
      this.#stream.noteAnswer(subscription, errorText(errorDetail));
    }
    this.#apply(subscription, () => applySotwNames(subscription, resourceNames));
  }

  #onDelta(request: DeltaDiscoveryRequest): void {
    const isFirst = !this.#stream.subscriptions.has(request.typeUrl as ResourceType);
    const subscription = this.#begin(request.node, request.typeUrl);
    if (subscription === null) return;
    const { responseNonce, errorDetail } = request;
    if (responseNonce !== "" && responseNonce === subscription.push?.nonce) {
      this.#stream.noteAnswer(subscription, errorText(errorDetail));
    }
    this.#apply(subscription, () => applyDeltaNames(subscription, request, isFirst));
  }

  /**
   * The names of a subscription are others now, unless they had a problem. Who asks for no more
   * than before is not ended because others ask for too much.
   */
  #apply(subscription: Subscription, names: () => Problem): void {
    const { ledger } = this.#stream;
    const { bytes } = ledger;
    const problem = names();
    if (problem !== "") {
      this.#refuse(problem);
      return;
    }
    const excess = ledger.bytes > bytes ? ledger.problem : "";
    if (excess !== "") {
      this.#end(Status.RESOURCE_EXHAUSTED, excess);
      return;
    }
    this.#stream.forgetUnnamed(subscription);
    this.#stream.pump();
  }

  /** The subscription that a request is about; null when it is refused, or of no type of ours. */
  #begin(node: Node | undefined, typeUrl: string): Subscription | null {
    if (this.#stream.node === null && !this.#introduce(node)) return null;
    if (typeUrl === "") {
      this.#refuse("type_url is empty: on an aggregated stream each request names its type");
      return null;
    }
    // Of types that nobody here serves there is nothing, now and later: no answer says that.
    return TYPES.has(typeUrl) ? this.#stream.subscription(typeUrl as ResourceType) : null;
  }

  #introduce(node: Node | undefined): boolean {
    const found = readNode(node);
    if (typeof found === "string") {
      this.#refuse(found);
      return false;
    }
    const { namespaces } = this.#stream;
    if (namespaces !== null) {
      const problem = nodeProblem(found, namespaces);
      if (problem !== "") {
        this.#end(Status.PERMISSION_DENIED, problem);
        return false;
      }
    }
    this.#stream.node = found;
    this.#events.onIntroduced();
    return true;
  }

  #refuse(reason: string): void {
    this.#end(Status.INVALID_ARGUMENT, reason);
  }

  #end(status: Status, reason: string): void {
    this.#events.onRefused(reason);
    this.#stream.end(status, reason);
  }
}

/** "" for an ACK. */
function errorText(
  detail: { readonly message: string; readonly code: number } | undefined,
): string {
  if (detail === undefined) return "";
  return shown(detail.message) || `code ${detail.code}, without words`;
}
