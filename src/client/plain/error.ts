/**
 * How a call fails: a `GrpcError` with the status that the server or this client gave it.
 * https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
 */
import { type Status, statusName } from "../../grpc/index.ts";
import { Metadata } from "./metadata.ts";

/** A call ended with a status other than OK. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  /** 1 to 16. */
  readonly code: Status;
  /** The code's name: "UNAVAILABLE". */
  readonly codeName: string;
  /** What the server said, or why this client ended the call; "" for nothing. */
  readonly details: string;
  /** What the server sent with its status; empty when the status is this client's. */
  readonly trailers: Metadata;
  /** "ip:port" of the endpoint that had the call; null when none did. */
  readonly peer: string | null;

  /** @param cause what led to it here: the reason of an abort, what `encode` threw. */
  constructor(
    code: Status,
    details: string,
    trailers: Metadata | null,
    peer: string | null,
    cause: unknown = undefined,
  ) {
    const codeName = statusName(code);
    super(
      details === "" ? codeName : `${codeName}: ${details}`,
      cause === undefined ? {} : { cause },
    );
    this.code = code;
    this.codeName = codeName;
    this.details = details;
    this.trailers = trailers ?? Metadata.EMPTY;
    this.peer = peer;
  }
}
