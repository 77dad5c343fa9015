/**
 * What an endpoint says of its load: out of band by a stream of its own, or with the trailers of
 * each call. gRFC A51.
 */

import type { EndpointLoad } from "../balancing/index.ts";
import { decodeBinaryValues } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";
import { KeptStream, type KeptStreamDeps, type KeptStreamUser } from "./kept-stream.ts";
import { decodeLoadReport } from "./orca-messages.ts";

/** The path of the method. */
export const REPORTS_PATH = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics";
/** "The metadata key will be endpoint-load-metrics-bin." (A51) */
export const REPORT_KEY = "endpoint-load-metrics-bin";

/** Whose load it is. */
export interface ReportedEndpoint {
  readonly load: EndpointLoad | null;
}

/** The report in the trailers of a call, if there is one, goes to `load`. */
export function takeReport(trailers: HeaderList, load: EndpointLoad, nowMs: number): void {
  const field = trailers.get(REPORT_KEY);
  if (field === null) return;
  const [bytes] = decodeBinaryValues(field);
  const report = bytes === undefined ? null : decodeLoadReport(bytes);
  if (report !== null) load.onReport(report, nowMs);
}

/** The stream of one endpoint. */
export class ReportStream implements KeptStreamUser {
  readonly #deps: KeptStreamDeps;
  readonly #stream: KeptStream;
  readonly #endpoint: ReportedEndpoint;
  readonly #onUnimplemented: () => void;

  /** @param onUnimplemented the endpoint has no such service: no report will come. */
  constructor(deps: KeptStreamDeps, endpoint: ReportedEndpoint, onUnimplemented: () => void) {
    this.#deps = deps;
    this.#stream = new KeptStream(deps, this);
    this.#endpoint = endpoint;
    this.#onUnimplemented = onUnimplemented;
  }

  /** The endpoint is connected. */
  start(): void {
    this.#stream.start();
  }

  /** Nothing follows. */
  stop(): void {
    this.#stream.stop();
  }

  // KeptStreamUser

  /** Calls do not wait for reports: without one, a weight is the mean. */
  onAttempt(): void {}

  onMessage(message: Uint8Array): boolean {
    const report = decodeLoadReport(message);
    if (report === null) return false;
    this.#endpoint.load?.onReport(report, this.#deps.clock.nowMs());
    return true;
  }

  /** The last report holds until it expires. */
  onBroken(): void {}

  onUnimplemented(): void {
    this.#onUnimplemented();
  }
}
