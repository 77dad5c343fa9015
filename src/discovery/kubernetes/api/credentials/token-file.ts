/**
 * A bearer token in a file that is replaced from time to time, as Kubernetes does with the token
 * of a pod ("Service Accounts": the kubelet renews it when 80 % of its life is over).
 *
 * The file is read again when it changed, at least once a minute, and whenever the token in use has
 * expired by its own `exp`. A file that cannot be read leaves the last good token in use.
 */
import type { Clock, Logger } from "../../../../base/index.ts";
import { ApiAccessError } from "../error.ts";
import { readSmallFile, stampOf } from "../files.ts";
import { Secret } from "../secret.ts";
import type { Credentials, Presented } from "./credentials.ts";

/** No look at the file is closer to the one before. */
export const TOKEN_STAT_MS = 1000;
/** A token is read anew after this time, whatever the file's stamp says. */
export const TOKEN_READ_MS = 60_000;
/** No token comes near it: it has to fit into a header. */
export const TOKEN_BYTES_MAX = 64 * 1024;

/** See the head of this file. */
export class TokenFile implements Credentials {
  readonly description: string;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #token: string;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #stamp = "";
  #lookedAtMs = 0;
  #readAtMs = 0;
  #isFailureLogged = false;

  /**
   * @param fallback in use until the file was read once; null: the file must be readable now.
   * @throws ApiAccessError
   */
  constructor(path: string, fallback: Secret | null, deps: { clock: Clock; log: Logger }) {
    this.description = `token file ${path}`;
    this.#path = path;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#token = fallback?.reveal() ?? "";
    try {
      this.#read();
    } catch (error) {
      if (fallback === null) throw error;
      this.#keepLast(error);
    }
  }

  /** The token of now. Never rejects: a token that is too old is for the server to refuse. */
  present(): Promise<Presented> {
    const nowMs = this.#clock.nowMs();
    const isExpired = this.#clock.wallMs() >= this.#expiresAtMs;
    const isOld = nowMs - this.#readAtMs >= TOKEN_READ_MS;
    if (isExpired || isOld) this.#tryRead();
    else if (nowMs - this.#lookedAtMs >= TOKEN_STAT_MS) {
      this.#lookedAtMs = nowMs;
      if (stampOf(this.#path) !== this.#stamp) this.#tryRead();
    }
    return Promise.resolve({ token: new Secret(this.#token), certificate: null });
  }

  /** Reads at once; true when the file holds another token. */
  renew(): boolean {
    const before = this.#token;
    this.#tryRead();
    return this.#token !== before;
  }

  #tryRead(): void {
    try {
      this.#read();
      this.#isFailureLogged = false;
    } catch (error) {
      this.#keepLast(error);
    }
  }

  #keepLast(error: unknown): void {
    if (this.#isFailureLogged) return;
    this.#isFailureLogged = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.warn("the token file cannot be used; the last good token stays", { reason });
  }

  #read(): void {
    const nowMs = this.#clock.nowMs();
    this.#lookedAtMs = nowMs;
    this.#readAtMs = nowMs;
    // Before the read: a change in between makes the next look read again.
    this.#stamp = stampOf(this.#path);
    const token = readToken(this.#path);
    this.#expiresAtMs = expiryOf(token);
    this.#token = token;
  }
}

function readToken(path: string): string {
  const text = readSmallFile(`token file ${path}`, path, TOKEN_BYTES_MAX).trim();
  if (text === "") throw new ApiAccessError(`token file ${path}: is empty`);
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new ApiAccessError(`token file ${path}: must hold one token of printable ASCII`);
}

/** The `exp` of a JWT in milliseconds since 1970; never, for any other token. */
function expiryOf(token: string): number {
  const parts = token.split(".");
  if (parts.length !== 3) return Number.POSITIVE_INFINITY;
  try {
    const { exp } = JSON.parse(Buffer.from(parts[1], "base64url").toString("utf8"));
    return typeof exp === "number" ? exp * 1000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
