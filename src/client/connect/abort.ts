/** What an aborted call rejects with, as Connect has it. */
import { Code, ConnectError } from "@connectrpc/connect";

/** The signal's reason: a `ConnectError` as it is, anything else as `canceled`. */
export function abortError(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason, Code.Canceled);
}
