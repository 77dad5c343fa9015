/** The answer to a call that ends before any message: one header list that is also the trailers. */
import { encodeGrpcMessage } from "./message.ts";
import type { Status } from "./status.ts";

/**
 * The header list of a trailers-only answer, to be sent with END_STREAM. Names and values in the
 * order in which they go out.
 *
 * @param message for people, in plain text: it is encoded and bounded here. Empty for no field.
 */
export function trailersOnly(status: Status, message: string): [name: string, value: string][] {
  const headers: [string, string][] = [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", String(status)],
  ];
  if (message !== "") headers.push(["grpc-message", encodeGrpcMessage(message)]);
  return headers;
}
