/**
 * The health service of a lab pod: `grpc.health.v1.Health`, Check and Watch, as the gRPC health
 * checking protocol has them (grpc/doc/health-checking.md).
 *
 * The messages are written by hand, as in `echo.ts`. Not a health service to reuse: it knows two
 * services, "" (the whole server) and the lab's own, and both always have the same status.
 *
 *     message HealthCheckRequest  { string service = 1; }
 *     message HealthCheckResponse { ServingStatus status = 1; }
 */
import { decodeName, encodeName } from "./echo.ts";

/** Values of `HealthCheckResponse.ServingStatus`. */
export const ServingStatus = {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  SERVICE_UNKNOWN: 3,
} as const;
/** One of them. */
export type Serving = (typeof ServingStatus)[keyof typeof ServingStatus];

/** Field 1, wire type 0 (varint). */
const TAG = 0x08;
/** "If the service name is not registered, the server returns a NOT_FOUND GRPC status." */
const NOT_FOUND = 5;
const SERVICES: readonly string[] = ["", "fairlead.lab.Echo"];

function encodeStatus(status: Serving): Buffer {
  // Proto3 leaves out a field that has its default, 0.
  return status === ServingStatus.UNKNOWN ? Buffer.alloc(0) : Buffer.from([TAG, status]);
}

function decodeStatus(bytes: Buffer): Serving {
  const status = bytes[0] === TAG ? bytes[1] : 0;
  return Object.values(ServingStatus).find((value) => value === status) ?? ServingStatus.UNKNOWN;
}

/** A request. An object, since grpc-js takes a message that is "" for none at all. */
export interface HealthRequest {
  readonly service: string;
}

const CODEC = {
  requestStream: false,
  // As field 1 of the lab's own messages; no bytes for "", which is its default.
  requestSerialize: ({ service }: HealthRequest): Buffer =>
    service === "" ? Buffer.alloc(0) : encodeName(service),
  requestDeserialize: (bytes: Buffer): HealthRequest => ({ service: decodeName(bytes) }),
  responseSerialize: encodeStatus,
  responseDeserialize: decodeStatus,
} as const;

/** The service as `@grpc/grpc-js` wants it: responses are statuses. */
export const HEALTH_SERVICE = {
  check: { path: "/grpc.health.v1.Health/Check", responseStream: false, ...CODEC },
  watch: { path: "/grpc.health.v1.Health/Watch", responseStream: true, ...CODEC },
} as const;

/** What is used of a server's streaming call. */
interface WatchCall {
  readonly request: HealthRequest;
  write(status: Serving): unknown;
  end(): unknown;
  on(event: "cancelled", listener: () => void): unknown;
}

type CheckReply = (error: { code: number; details: string } | null, status?: Serving) => void;

/** The handlers, and the status that they tell. */
export class HealthServer {
  readonly #watches = new Set<WatchCall>();
  /** Of services that are not here: they are never told more. */
  readonly #idleWatches = new Set<WatchCall>();
  #status: Serving = ServingStatus.SERVING;

  /** For `Server.addService(HEALTH_SERVICE, ...)`. */
  readonly handlers = {
    check: ({ request }: { readonly request: HealthRequest }, reply: CheckReply): void => {
      const { service } = request;
      if (SERVICES.includes(service)) reply(null, this.#status);
      else reply({ code: NOT_FOUND, details: `no service ${JSON.stringify(service)} here` });
    },
    // "The server will immediately send back a message indicating the current serving status. It
    // will then subsequently send a new message whenever the service's serving status changes."
    watch: (call: WatchCall): void => {
      const isKnown = SERVICES.includes(call.request.service);
      const watches = isKnown ? this.#watches : this.#idleWatches;
      watches.add(call);
      call.on("cancelled", () => watches.delete(call));
      call.write(isKnown ? this.#status : ServingStatus.SERVICE_UNKNOWN);
    },
  };

  /** From now on it serves, or does not. Whoever watches is told if that is news. */
  setServing(isServing: boolean): void {
    const status = isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    if (status === this.#status) return;
    this.#status = status;
    for (const call of this.#watches) call.write(status);
  }

  /** Before the server leaves: NOT_SERVING to all, and their calls end, or it could not. */
  shutDown(): void {
    this.setServing(false);
    for (const call of [...this.#watches, ...this.#idleWatches]) call.end();
  }
}
