/** Single questions to an API server as promises; they never reject. For `check.ts`. */
import type { Clock } from "../../../../base/index.ts";
import type { ApiClient } from "../http/client.ts";
import { type ApiFailure, newFailure } from "../http/failure.ts";

/** A watch of one second may take this long to end. */
export const TRIAL_WATCH_MS_MAX = 5000;

/** An answer. */
export interface Asked {
  /** The document; null when there is none. */
  readonly value: unknown;
  /** The `Date` header of a good answer. */
  readonly date: string | null;
  readonly failure: ApiFailure | null;
}

/** Asks for one document. @param body sent as JSON. */
export function ask(
  client: ApiClient,
  method: "GET" | "POST",
  path: string,
  body: unknown = null,
): Promise<Asked> {
  return new Promise((resolve) => {
    client.request(method, path, body === null ? null : JSON.stringify(body), {
      onAnswer: (value, { headers }) =>
        resolve({ value, date: headers.date ?? null, failure: null }),
      onFailure: (failure) => resolve({ value: null, date: null, failure }),
    });
  });
}

/** Watches until the server ends it, as `timeoutSeconds=1` asks; null when that works. */
export function tryWatch(
  client: ApiClient,
  path: string,
  clock: Clock,
): Promise<ApiFailure | null> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(TRIAL_WATCH_MS_MAX, () => {
      watch.close();
      const seconds = TRIAL_WATCH_MS_MAX / 1000;
      const reason = `a watch of 1 s did not end within ${seconds} s: something holds answers back`;
      resolve(newFailure({ reason }));
    });
    const done = (failure: ApiFailure | null) => {
      timer.cancel();
      resolve(failure);
    };
    const watch = client.watch(path, {
      onOpen() {},
      onEvents() {},
      onEnd: () => done(null),
      onFailure: done,
    });
  });
}
