/**
 * One call of a storm through grpc-js: made, verified message by message, and judged.
 */
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  Metadata,
  type ServiceError,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import type { Plan } from "./plan.ts";
import { checkFrame, type Fault, FRAME_HEAD_BYTES, metadataOf, newFrame } from "./wire.ts";

/** How a call went, before it is judged. */
export interface Result {
  code: number;
  details: string;
  header: Metadata;
  messages: number;
  bytes: number;
  /** What was wrong with its answers, whatever its status. */
  fault: Fault | null;
}

/** What became of a call. */
export type Outcome =
  | "ok"
  | "cancelled"
  | "deadline"
  | "earlyEnd"
  | "unavailable"
  | "lost"
  | "crossed"
  | "hung"
  | "unexpected";

type AnyCall =
  | ClientUnaryCall
  | ClientReadableStream<Buffer>
  | ClientWritableStream<Buffer>
  | ClientDuplexStream<Buffer, Buffer>;

/** A call under way. */
export interface Started {
  readonly done: Promise<Result>;
  cancel(): void;
}

const same = (bytes: Buffer) => bytes;

/** Starts the call. `done` never rejects; it may never settle: the caller has to notice. */
export function startCall(client: Client, plan: Plan): Started {
  const result: Result = {
    code: -1,
    details: "",
    header: new Metadata(),
    messages: 0,
    bytes: 0,
    fault: null,
  };
  let call: AnyCall | null = null;
  const done = new Promise<Result>((settle) => {
    call = begin(client, plan, result, () => settle(result));
  });
  return { done, cancel: () => call?.cancel() };
}

function begin(client: Client, plan: Plan, result: Result, settle: () => void): AnyCall {
  const metadata = metadataOf(plan.orders);
  const options = plan.deadlineMs > 0 ? { deadline: Date.now() + plan.deadlineMs } : {};
  const path = (method: string) => `/echo.Echo/${method}`;
  /** Of calls with a single answer. */
  const onAnswer = (error: ServiceError | null, answer?: Buffer) => {
    result.code = error === null ? status.OK : error.code;
    result.details = error?.details ?? "";
    if (answer !== undefined)
      take(result, plan, answer, plan.kind === "unary" ? 0 : plan.sizes.length);
    settle();
  };
  let call: AnyCall;
  if (plan.kind === "unary") {
    const request = newFrame(plan.id, 0, plan.sizes[0] as number);
    call = client.makeUnaryRequest(path("Say"), same, same, request, metadata, options, onAnswer);
  } else if (plan.kind === "clientStream") {
    call = client.makeClientStreamRequest(path("Collect"), same, same, metadata, options, onAnswer);
    writeAll(call as ClientWritableStream<Buffer>, plan);
  } else if (plan.kind === "serverStream") {
    const request = newFrame(plan.id, 0, plan.sizes[0] as number);
    call = client.makeServerStreamRequest(path("Produce"), same, same, request, metadata, options);
    readAll(call as ClientReadableStream<Buffer>, plan, result, settle);
  } else {
    call = client.makeBidiStreamRequest(path("Chat"), same, same, metadata, options);
    readAll(call as ClientDuplexStream<Buffer, Buffer>, plan, result, settle);
    writeAll(call as ClientDuplexStream<Buffer, Buffer>, plan);
  }
  call.on("metadata", (header: Metadata) => {
    result.header = header;
  });
  return call;
}

/** Writes one message after the other, each once the one before has gone. */
function writeAll(call: ClientWritableStream<Buffer>, plan: Plan): void {
  let seq = 0;
  const next = (error?: Error | null) => {
    if (error) return; // The call has ended; its status says how.
    if (seq === plan.sizes.length) {
      call.end();
      return;
    }
    const frame = newFrame(plan.id, seq, plan.sizes[seq] as number);
    seq += 1;
    call.write(frame, next);
  };
  next();
}

function readAll(
  call: ClientReadableStream<Buffer>,
  plan: Plan,
  result: Result,
  settle: () => void,
): void {
  let hasEnded = false;
  const finish = () => {
    if (hasEnded && result.code >= 0) settle();
  };
  call.on("data", (message: Buffer) => take(result, plan, message, result.messages));
  call.on("error", () => {}); // The status event says the same.
  call.on("end", () => {
    hasEnded = true;
    finish();
  });
  call.on("status", (state: StatusObject) => {
    result.code = state.code;
    result.details = state.details;
    finish();
  });
}

/** Verifies one answer. */
function take(result: Result, plan: Plan, message: Buffer, seq: number): void {
  result.messages += 1;
  result.bytes += message.length;
  if (result.fault !== null) return;
  result.fault = checkFrame(message, plan.id, seq);
  const wanted = plan.orders.size >= 0 ? plan.orders.size : requestSize(plan, seq);
  const got = message.length - FRAME_HEAD_BYTES;
  if (result.fault === null && got !== wanted) {
    result.fault = { kind: "lost", text: `a body of ${got} bytes where ${wanted} were due` };
  }
}

/** The size of the request that an answer repeats; a client stream's answer has no body. */
function requestSize(plan: Plan, seq: number): number {
  return plan.kind === "clientStream" ? 0 : (plan.sizes[seq] as number);
}

/** How many answers a call has that ends as planned. */
function wantedMessages(plan: Plan): number {
  const { endAfter, count } = plan.orders;
  if (plan.kind === "unary" || plan.kind === "clientStream") return endAfter >= 0 ? 0 : 1;
  if (endAfter >= 0) return endAfter;
  return plan.kind === "serverStream" ? count : plan.sizes.length;
}

/** Clocks of both sides differ a little: a status may name the deadline or the cancellation. */
const DEADLINE_SLACK_MS = 50;

/**
 * What grpc-js makes by itself of a call that its server ends early, when one read brings the end
 * together with answers or with the end of the stream, as the records of TLS often do: a status
 * that is not OK is given out at once, the answers before it dropped (`maybeOutputStatus` in its
 * `subchannel-call.js`), and a request that is still being written fails in its place. Both happen
 * without anything between client and server as well.
 */
function isCutByClient(plan: Plan, result: Result): boolean {
  const { endAfter, endStatus } = plan.orders;
  if (endAfter < 0) return false;
  if (result.details === "Write error: write after end") return result.code === status.INTERNAL;
  const isPlanned = result.code === endStatus && endStatus !== status.OK;
  return isPlanned && result.messages < wantedMessages(plan);
}

/** What the result of a call means, given its plan, how long it took, and whether over TLS. */
export function judge(plan: Plan, result: Result, tookMs: number, isTls: boolean): Outcome {
  const [id] = result.header.get("x-call-id");
  if (id !== undefined && id !== String(plan.id)) return "crossed";
  if (result.fault !== null) return result.fault.kind;
  const { code } = result;
  if (code === status.DATA_LOSS) return "lost";
  if (isTls && isCutByClient(plan, result)) return "earlyEnd";
  const isEarly = plan.orders.endAfter >= 0 && code === plan.orders.endStatus;
  if ((isEarly || code === status.OK) && result.messages !== wantedMessages(plan)) {
    result.details = `${result.messages} of ${wantedMessages(plan)} messages came`;
    return "lost";
  }
  if (isEarly) return "earlyEnd";
  if (code === status.OK) return "ok";
  if (plan.cancelAfterMs > 0 && code === status.CANCELLED) return "cancelled";
  if (plan.deadlineMs > 0) {
    const isLate = tookMs > plan.deadlineMs - DEADLINE_SLACK_MS;
    if (code === status.DEADLINE_EXCEEDED) return "deadline";
    if (code === status.CANCELLED && isLate) return "deadline";
  }
  return code === status.UNAVAILABLE ? "unavailable" : "unexpected";
}
