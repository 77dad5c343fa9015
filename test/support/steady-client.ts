/**
 * A client of one long HTTP/2 connection that calls at a steady rate, and connects again when it is
 * told to go away: what stock gRPC clients do, on Node's `http2`. As these do, it sends a call once
 * more that was refused unprocessed (RFC 9113 §8.7): Node's session resets so what it had not yet
 * written when GOAWAY came.
 */
import http2, { type ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";

/** See the head of this file. */
export class SteadyClient {
  readonly rate: number;
  readonly #url: string;
  readonly #path: string;
  #session: ClientHttp2Session;
  #timer: NodeJS.Timeout | null = null;
  #inFlight = 0;
  /** Calls that ended with grpc-status 0. */
  good = 0;
  /** Calls that were sent once more. */
  resent = 0;
  /** What went wrong with the others. */
  readonly failures: string[] = [];

  /** @param rate calls per second; they begin at a moment of the first period. */
  constructor(address: string, rate: number, path: string, startShare: number) {
    this.#url = `http://${address}`;
    this.rate = rate;
    this.#path = path;
    this.#session = this.#connect();
    const periodMs = 1000 / rate;
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => this.#call(), periodMs);
    }, periodMs * startShare);
  }

  /** Our end of the connection that new calls take. */
  get port(): number {
    const { socket } = this.#session;
    return (socket as Socket | undefined)?.localPort ?? 0;
  }

  /** Calls that have not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  #connect(): ClientHttp2Session {
    const session = http2.connect(this.#url);
    session.on("error", () => {});
    session.once("goaway", () => this.#replace(session));
    session.once("close", () => this.#replace(session));
    return session;
  }

  #replace(session: ClientHttp2Session): void {
    if (this.#session === session && this.#timer !== null) this.#session = this.#connect();
  }

  #call(): void {
    this.#inFlight += 1;
    this.#attempt();
  }

  #attempt(): void {
    let status: string | undefined;
    const note = (headers: http2.IncomingHttpHeaders): void => {
      const value = headers["grpc-status"];
      if (typeof value === "string") status = value;
    };
    const stream = this.#session.request({
      ":method": "POST",
      ":path": this.#path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let why = "";
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("error", (error) => {
      why = error.message;
    });
    stream.once("close", () => {
      if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM && status === undefined) {
        this.resent += 1;
        this.#attempt();
        return;
      }
      this.#inFlight -= 1;
      if (status === "0") this.good += 1;
      else this.failures.push(why || `grpc-status ${status} rst ${stream.rstCode}`);
    });
    stream.resume();
    stream.end();
  }

  /** Makes no more calls; those in flight go on. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Ends the connection. */
  close(): void {
    this.stop();
    this.#session.destroy();
  }
}
