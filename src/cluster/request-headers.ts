/**
 * The request headers of an attempt, made of those that the caller gave. Lists are never changed:
 * what differs is a copy.
 */

import { formatGrpcTimeout } from "../grpc/index.ts";
import { HeaderList, newField } from "../http2/index.ts";

const PREVIOUS = "grpc-previous-rpc-attempts";
const COUNT = /^[1-9]\d{0,3}$/;

/**
 * "the client library will set the outgoing initial metadata entry `grpc-previous-rpc-attempts`
 * with a value equal to the number of preceding retry atttempts" (A6). Attempts that a client in
 * front of a proxy has told of are among them.
 */
export function withPrevious(list: HeaderList, previous: number): HeaderList {
  if (previous === 0) return list;
  const known = list.fields.find(({ name }) => name.text === PREVIOUS);
  if (known !== undefined) {
    const told = COUNT.test(known.value) ? Number(known.value) : 0;
    return list.replacing(known, newField(PREVIOUS, String(told + previous)));
  }
  const copy = new HeaderList();
  for (const field of list.fields) copy.add(field);
  copy.add(newField(PREVIOUS, String(previous)));
  return copy;
}

/** `grpc-timeout` goes on as the time that remains; a list without one stays as it is. */
export function withRemaining(list: HeaderList, remainingMs: number): HeaderList {
  const timeout = list.grpcTimeout;
  if (timeout === null) return list;
  const value = formatGrpcTimeout(Math.max(0, remainingMs));
  return list.replacing(timeout, newField("grpc-timeout", value));
}

/** The same with the time that it must not exceed, whether it had one or not. */
export function withTimeout(list: HeaderList, timeoutMs: number): HeaderList {
  if (list.grpcTimeout !== null) return withRemaining(list, timeoutMs);
  const copy = new HeaderList();
  for (const field of list.fields) copy.add(field);
  copy.add(newField("grpc-timeout", formatGrpcTimeout(timeoutMs)));
  return copy;
}
