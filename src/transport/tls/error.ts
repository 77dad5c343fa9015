/**
 * What can be wrong with a certificate file, as one sentence for people.
 *
 * Not about handshakes: see `failure.ts` for what goes wrong on the wire.
 */

/** What a file is for. With the side it tells a command which of its flags to name. */
export type TlsFileKind = "certificate" | "key" | "CA";

/** Who uses the file: our listeners (server), or our connections to endpoints (client). */
export type TlsSide = "server" | "client";

/** A certificate, key or CA file that cannot be used. `message` is one clear sentence. */
export class TlsFileError extends Error {
  override readonly name = "TlsFileError";
  /** Stable, for programs. */
  readonly code = "FAIRLEAD_TLS_FILE";
  readonly side: TlsSide;
  readonly kind: TlsFileKind;
  /** The path as it was given. */
  readonly file: string;

  constructor(side: TlsSide, kind: TlsFileKind, file: string, problem: string, cause?: unknown) {
    super(`${kind} file ${file} ${problem}`, cause === undefined ? undefined : { cause });
    this.side = side;
    this.kind = kind;
    this.file = file;
  }
}
