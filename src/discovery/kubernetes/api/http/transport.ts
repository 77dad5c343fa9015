/**
 * The contract between a reflector and what carries its requests: JSON documents and watches.
 *
 * The reflector owns the meaning of answers, the transport the bytes, the credentials and the
 * deadlines of a request. No sockets are named here, so that tests can script the other side.
 */
import type { ApiFailure } from "./failure.ts";

/** A request under way. */
export interface ApiRequest {
  /** Ends it; its handler hears nothing more. Harmless when repeated. */
  close(): void;
}

/** Hears how one document came out, once. Called on a later turn of the event loop. */
export interface DocumentHandler {
  onDocument(value: unknown): void;
  onFailure(failure: ApiFailure): void;
}

/** Hears of one watch. Nothing comes after `onEnd` or `onFailure`. Called on later turns. */
export interface WatchHandler {
  /** The server has accepted the watch. */
  onOpen(): void;
  /** The events of one read, parsed; `undefined` stands for a line that is not JSON. */
  onEvents(events: readonly unknown[]): void;
  /** The server ended an open watch in order, as it does when `timeoutSeconds` are over. */
  onEnd(): void;
  /** It was not accepted, or was cut. */
  onFailure(failure: ApiFailure): void;
}

/** Carries requests to one API server. `ApiClient` is the real one. */
export interface ApiTransport {
  /** @param path with its query, below the server's address. */
  get(path: string, handler: DocumentHandler): ApiRequest;
  /** The same for a watch. */
  watch(path: string, handler: WatchHandler): ApiRequest;
}
