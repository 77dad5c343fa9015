/**
 * The names in a client's certificate: its subject alternative names. RFC 5280 §4.2.1.6.
 *
 * Only of a certificate that was verified. Node joins the names to one text, in which a name with a
 * comma or a quote is written as a JSON string (CVE-2021-44532): it is taken apart by that rule,
 * and a text that does not keep to it names nobody.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** "URI:spiffe://...", "DNS:..."; null without a verified certificate. */
export function peerNamesOf(socket: Socket): readonly string[] | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const { subjectaltname } = socket.getPeerCertificate();
  return subjectaltname === undefined ? [] : parseAltNames(subjectaltname);
}

/** One name: its kind, then a JSON string or text without comma and quote. */
const NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** The names of Node's `subjectaltname`, as "KIND:NAME"; none when the text is not of that form. */
export function parseAltNames(text: string): string[] {
  const names: string[] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < text.length) {
    const match = NAME.exec(text);
    if (match === null) return [];
    const [, kind, value] = match as unknown as [string, string, string];
    const name = value.startsWith('"') ? tryParseString(value) : value;
    if (name === null) return [];
    names.push(`${kind}:${name}`);
  }
  return names;
}

function tryParseString(text: string): string | null {
  try {
    return JSON.parse(text) as string;
  } catch {
    return null;
  }
}
