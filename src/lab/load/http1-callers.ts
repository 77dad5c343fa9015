/**
 * Callers over HTTP/1.1, each with a kept connection of its own, as the workers of a program that
 * waits for each answer have them. Calls go to the idle callers in turn, so that all of them have
 * work however few calls are open at a time.
 *
 * A connection that the server ended while the request was on its way is no failure: the request is
 * sent once more, on a new one, as RFC 9112 section 9.3.1 lets clients do with GET.
 */
import http from "node:http";
import type { CallEnd } from "./load.ts";

const CALL_TIMEOUT_MS = 5000;
/** More than any pod's name. */
const ANSWER_CHARS_MAX = 200;

/** So many callers of one URL. */
export class Http1Callers {
  readonly #url: string;
  readonly #idle: http.Agent[] = [];
  #count = 0;
  #countMax: number;

  constructor(url: string, countMax: number) {
    this.#url = url;
    this.#countMax = countMax;
  }

  /** There are at most so many from now on: those beyond end with the call that they have. */
  set countMax(count: number) {
    this.#countMax = count;
    while (this.#count > count && this.#idle.length > 0) this.#dismiss(this.#idle.shift()!);
  }

  /** Makes a call; not more at a time than there may be callers. */
  call(onEnd: (end: CallEnd) => void): void {
    const caller = this.#nextCaller();
    get(this.#url, caller, true, (end) => {
      if (this.#count > this.#countMax) this.#dismiss(caller);
      else this.#idle.push(caller);
      onEnd(end);
    });
  }

  /** A new one as long as there may be more: each has its connection soon. */
  #nextCaller(): http.Agent {
    if (this.#count >= this.#countMax) {
      const longestIdle = this.#idle.shift();
      if (longestIdle !== undefined) return longestIdle;
    }
    this.#count += 1;
    return new http.Agent({ keepAlive: true, maxSockets: 1 });
  }

  #dismiss(caller: http.Agent): void {
    this.#count -= 1;
    caller.destroy();
  }
}

/** Asks for the URL; `onEnd` is called once. */
function get(
  url: string,
  agent: http.Agent,
  mayRepeat: boolean,
  onEnd: (end: CallEnd) => void,
): void {
  let isOver = false;
  const over = (end: CallEnd): void => {
    if (!isOver) onEnd(end);
    isOver = true;
  };
  const request = http.get(url, { agent, timeout: CALL_TIMEOUT_MS }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (piece: string) => {
      text = (text + piece).slice(0, ANSWER_CHARS_MAX);
    });
    response.once("end", () => {
      const answer = text.trim();
      over(
        response.statusCode === 200
          ? { pod: answer }
          : { failure: `HTTP ${response.statusCode}: ${answer}` },
      );
    });
    response.once("error", ({ message }) => over({ failure: message }));
  });
  request.once("timeout", () => {
    request.destroy(new Error(`no answer within ${CALL_TIMEOUT_MS / 1000} s`));
  });
  request.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    const wasClosed = code === "ECONNRESET" || code === "EPIPE";
    if (!mayRepeat || !request.reusedSocket || !wasClosed) over({ failure: code ?? message });
    else if (!isOver) get(url, agent, false, onEnd);
    isOver = true;
  });
}
