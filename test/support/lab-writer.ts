/**
 * A writer to the objects of the lab's API server in the same process, on any clock: the server's
 * own rules of versions and conflicts, without sockets. Outages are switches.
 */
import type { Clock } from "../../src/base/index.ts";
import type {
  ObjectWriter,
  WriteFailure,
  WriteResult,
  WriteTarget,
  WriteVerb,
} from "../../src/discovery/index.ts";
import { KINDS } from "../../src/discovery/index.ts";
import type { ObjectName, Objects } from "../../src/lab/cluster/index.ts";

/** What is known of an `ApiError` of the lab. */
interface ServerError {
  readonly code?: number;
  readonly message: string;
}

const FAILURES: Readonly<Record<number, WriteFailure["kind"]>> = {
  404: "absent",
  409: "conflict",
  422: "refused",
};

/** See the head of this file. */
export class LabWriter implements ObjectWriter {
  /** Requests so far: "update leases default/x". */
  readonly requests: string[] = [];
  /** What every request is answered with; null: with the truth. */
  failure: WriteFailure | null = null;
  /** The same of one request, as `requests` names it. */
  failureOf: (request: string) => WriteFailure | null = () => null;
  /** No answer comes. */
  isHanging = false;
  latencyMs = 1;
  /** Called before a request has its effect. */
  onRequest: (request: string) => void = () => {};
  readonly #objects: Objects;
  readonly #clock: Clock;

  constructor(objects: Objects, clock: Clock) {
    this.#objects = objects;
    this.#clock = clock;
  }

  send(
    verb: WriteVerb,
    at: WriteTarget,
    body: unknown,
    onDone: (result: WriteResult) => void,
  ): { close(): void } {
    const part = at.subresource === null ? "" : `/${at.subresource}`;
    const request = `${verb} ${at.plural}${part} ${at.namespace}/${at.name}`;
    this.requests.push(request);
    if (this.isHanging) return { close() {} };
    // Half of the time there, half back: an answer that nobody hears has had its effect.
    let result: WriteResult | null = null;
    let timer = this.#clock.setTimer(this.latencyMs / 2, () => {
      this.onRequest(request);
      const failure = this.failure ?? this.failureOf(request);
      result = failure === null ? this.#do(verb, at, body) : { object: null, failure };
      timer = this.#clock.setTimer(this.latencyMs / 2, () => onDone(result!));
    });
    return { close: () => timer.cancel() };
  }

  close(): void {}

  #do(verb: WriteVerb, at: WriteTarget, body: unknown): WriteResult {
    try {
      return { object: JSON.parse(JSON.stringify(this.#answer(verb, at, body))), failure: null };
    } catch (error) {
      const { code = 0, message } = error as ServerError;
      const kind = FAILURES[code];
      if (kind === undefined) throw error;
      return { object: null, failure: { kind, reason: message, retryAfterMs: 0 } };
    }
  }

  #answer(verb: WriteVerb, at: WriteTarget, body: unknown): unknown {
    const name = nameOf(at);
    const part = at.subresource ?? "object";
    if (verb === "get") return this.#objects.get(name);
    if (verb === "create") return this.#objects.create(name.kind, at.namespace, body);
    if (verb === "update") return this.#objects.update(name, body, part);
    return this.#objects.patch(name, body, { part });
  }
}

function nameOf({ plural, namespace, name }: WriteTarget): ObjectName {
  const kind = Object.values(KINDS).find((one) => one.plural === plural)?.kind ?? "Lease";
  return { kind, namespace, name };
}
