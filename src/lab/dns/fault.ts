/** What can be wrong with the lab's DNS server, on command. */
import type { Question } from "dns-packet";

/** One fault. Without `name` and `type` it concerns every question. */
export interface DnsFault {
  /**
   * `servfail` and `refused` are answered so; `timeout` is not answered; `slow` is answered after
   * `delayMs`; `truncate` gets an empty answer over UDP that sends the client to TCP.
   */
  readonly kind: "servfail" | "refused" | "timeout" | "slow" | "truncate";
  /** Only for questions about this name, in lower case without a last dot. */
  readonly name?: string;
  /** Only for questions of this type, such as "AAAA". */
  readonly type?: string;
  /** For `slow`. */
  readonly delayMs?: number;
}

/** The first fault that concerns a question, or null. */
export function faultFor(faults: readonly DnsFault[], question: Question): DnsFault | null {
  const asked = question.name.toLowerCase();
  const found = faults.find(
    ({ name = asked, type = question.type }) => name === asked && type === question.type,
  );
  return found ?? null;
}
