/**
 * grpc.health.v1.Health: whether this process serves.
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 *
 * One answer for the whole server and for each service of it; the two messages have one field each
 * and are written by hand, so that this room needs no library for them.
 */
import { Status } from "../grpc/index.ts";
import type { GrpcMethod, ServerCall, ServerCallEvents } from "./method.ts";

/** A request is the name of a service. */
const REQUEST_BYTES_MAX = 4_096;
/** HealthCheckResponse: field 1, a varint: SERVING 1, NOT_SERVING 2, SERVICE_UNKNOWN 3. */
const ANSWERS = {
  serving: Uint8Array.of(8, 1),
  notServing: Uint8Array.of(8, 2),
  unknown: Uint8Array.of(8, 3),
} as const;
/** HealthCheckRequest.service: field 1, length-delimited. */
const SERVICE_TAG = 0x0a;

interface Watch {
  readonly service: string;
  /** What it was told last. */
  told: Uint8Array | null;
}

/** What the methods of a server say of its health. */
export class Health {
  readonly #services: ReadonlySet<string>;
  readonly #watches = new Map<ServerCall, Watch>();
  #isServing = true;

  /** @param services the full names that may be asked for; "" is always among them. */
  constructor(services: readonly string[]) {
    this.#services = new Set(["", "grpc.health.v1.Health", ...services]);
  }

  /** Check and Watch. */
  methods(): readonly GrpcMethod[] {
    const [prefix, messageBytesMax] = ["/grpc.health.v1.Health/", REQUEST_BYTES_MAX];
    return [
      { path: `${prefix}Check`, messageBytesMax, open: (call) => this.#check(call) },
      { path: `${prefix}Watch`, messageBytesMax, open: (call) => this.#watch(call) },
    ];
  }

  /** Changes the answer, and tells those who watch. */
  setServing(isServing: boolean): void {
    if (this.#isServing === isServing) return;
    this.#isServing = isServing;
    for (const call of this.#watches.keys()) this.#tell(call);
  }

  /** Who has not taken the last answer yet is told when it has, and only what is new by then. */
  #tell(call: ServerCall): void {
    const watch = this.#watches.get(call);
    if (watch === undefined || call.queuedBytes > 0) return;
    const answer = this.#answer(watch.service);
    if (answer === watch.told) return;
    watch.told = answer;
    call.send([answer]);
  }

  #answer(service: string): Uint8Array {
    if (!this.#services.has(service)) return ANSWERS.unknown;
    return this.#isServing ? ANSWERS.serving : ANSWERS.notServing;
  }

  #check(call: ServerCall): ServerCallEvents {
    return oneRequest(call, (service) => {
      if (this.#services.has(service)) {
        call.send([this.#answer(service)]);
        call.end(Status.OK);
      } else call.end(Status.NOT_FOUND, "unknown service");
    });
  }

  #watch(call: ServerCall): ServerCallEvents {
    const events = oneRequest(call, (service) => {
      this.#watches.set(call, { service, told: null });
      this.#tell(call);
    });
    return {
      ...events,
      onDrained: () => this.#tell(call),
      onClosed: () => this.#watches.delete(call),
    };
  }
}

/** The events of a call whose request is one message. */
function oneRequest(call: ServerCall, onService: (service: string) => void): ServerCallEvents {
  let isAsked = false;
  return {
    onMessage(message) {
      const service = isAsked ? null : parseService(message);
      isAsked = true;
      if (service === null) call.end(Status.INVALID_ARGUMENT, "not one HealthCheckRequest");
      else onService(service);
    },
    onHalfClosed() {
      if (!isAsked) call.end(Status.INVALID_ARGUMENT, "no HealthCheckRequest came");
    },
    onDrained() {},
    onClosed() {},
  };
}

/** The name in a request; null for bytes that are none. A name of 128 bytes is none of ours. */
function parseService(message: Uint8Array): string | null {
  if (message.length === 0) return "";
  if (message[0] !== SERVICE_TAG || message.length < 2) return null;
  const length = message[1]!;
  if (length >= 0x80) return "?";
  if (message.length !== 2 + length) return null;
  return Buffer.from(message.subarray(2)).toString("utf8");
}
