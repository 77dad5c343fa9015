/** What a call rejects with that was aborted, or ended by an exception, as Connect has it. */
import { Code, ConnectError } from "@connectrpc/connect";
import { reasonOf } from "../core/index.ts";

/** As `ConnectError.from`, of whatever was thrown: also what has no text. Never throws. */
export function connectErrorOf(thrown: unknown, code: Code): ConnectError {
  try {
    return ConnectError.from(thrown, code);
  } catch {
    return new ConnectError(reasonOf(thrown), code, undefined, undefined, thrown);
  }
}

/** The signal's reason: a `ConnectError` as it is, anything else as `canceled`. */
export function abortError(signal: AbortSignal): ConnectError {
  return connectErrorOf(signal.reason, Code.Canceled);
}
