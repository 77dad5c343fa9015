/**
 * `Headers`, as Connect has metadata, to header fields and back.
 *
 * What the protocol itself owns is not sent from there, but for the user agent, which a call may
 * choose. Of an answer all but the pseudo-headers is shown, as by connect-node. Values of keys that
 * end in "-bin" stay base64: Connect leaves their coding to its users.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { isReservedKey, metadataKeyProblem, metadataValueProblem } from "../../grpc/index.ts";
import { type Field, type HeaderList, newField } from "../../http2/index.ts";
import { ACCEPT_ENCODING, type ChannelSettings } from "../core/index.ts";

/** What a `Headers` is made from; undefined for nothing. */
export type HeadersSource = ConstructorParameters<typeof Headers>[0];

const USER_AGENT = "user-agent";

/**
 * Fields for what a caller wants to send; null for nothing.
 *
 * @param userAgent what is sent without them.
 * @throws ConnectError `invalid_argument` for what gRPC cannot send.
 */
export function toFields(headers: Headers, userAgent: string): Field[] | null {
  let fields: Field[] | null = null;
  for (const [key, value] of headers) {
    if (isReservedKey(key) && (key !== USER_AGENT || value === userAgent)) continue;
    const keyProblem = key === USER_AGENT ? "" : metadataKeyProblem(key);
    const problem = keyProblem === "" ? metadataValueProblem(value) : keyProblem;
    if (problem !== "") throw new ConnectError(`header ${key} ${problem}`, Code.InvalidArgument);
    fields ??= [];
    fields.push(newField(key, value));
  }
  return fields;
}

/** What a server sent; empty for null. */
export function toHeaders(list: HeaderList | null): Headers {
  const headers = new Headers();
  if (list !== null) addAll(headers, list);
  return headers;
}

/** Adds what a server sent to what is there already. */
export function addAll(headers: Headers, list: HeaderList): void {
  const { fields } = list;
  for (let i = 0; i < fields.length; i++) {
    const { name, value } = fields[i]!;
    if (name.text.charCodeAt(0) !== 0x3a) headers.append(name.text, value);
  }
}

/** What of a channel's settings its requests show. */
type RequestSettings = Pick<ChannelSettings, "contentType" | "userAgent" | "encoding">;

/** The headers of a request as interceptors see them: those of the call and the protocol's own. */
export function requestHeaders(
  own: HeadersSource,
  { contentType, userAgent, encoding }: RequestSettings,
  timeout: string | null,
): Headers {
  const headers = new Headers(own);
  headers.set("content-type", contentType);
  if (!headers.has(USER_AGENT)) headers.set(USER_AGENT, userAgent);
  headers.set("te", "trailers");
  headers.set("grpc-accept-encoding", ACCEPT_ENCODING);
  if (encoding !== "identity") headers.set("grpc-encoding", encoding);
  if (timeout !== null) headers.set("grpc-timeout", timeout);
  return headers;
}
