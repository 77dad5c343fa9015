/**
 * A caller's iterable of requests, as Connect's runner may hold it: nothing of it throws there.
 *
 * The runner asks for an iterator once more when a call is aborted, and in a listener: what a wrong
 * iterable throws would be the process's. Here it is what reading the requests throws.
 */
import { Code, ConnectError } from "@connectrpc/connect";

/** @throws ConnectError `invalid_argument` for what is no async iterable. */
export function guardedRequests<T>(given: AsyncIterable<T>): AsyncIterable<T> {
  if (typeof given?.[Symbol.asyncIterator] !== "function") {
    throw new ConnectError("the requests must be an async iterable", Code.InvalidArgument);
  }
  return { [Symbol.asyncIterator]: () => guarded(given) };
}

function guarded<T>(given: AsyncIterable<T>): AsyncIterator<T> {
  let inner: AsyncIterator<T> | undefined;
  // In an async function, so that what it throws is a rejection.
  const open = async (): Promise<AsyncIterator<T>> => {
    inner ??= given[Symbol.asyncIterator]();
    return inner;
  };
  const done = { done: true, value: undefined } as const;
  return {
    next: async () => (await open()).next(),
    throw: async (error: unknown) => (await (await open()).throw?.(error)) ?? done,
    return: async () => (await (await open()).return?.()) ?? done,
  };
}
