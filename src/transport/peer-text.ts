/** What a peer wrote, fit for logs, terminals and header values. */

/** Characters of a peer's own words that are passed on. */
const PEER_TEXT_MAX = 100;

/** See the head of this file. */
export function printable(text: string): string {
  return text.slice(0, PEER_TEXT_MAX).replace(/[^ -~]/g, "?");
}
