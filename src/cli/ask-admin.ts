/**
 * A question to the admin endpoint of a running proxy: `GET`, and what can go wrong in one line.
 */
import { get, type IncomingMessage } from "node:http";
import { realClock, visible } from "../base/index.ts";
import type { TcpAddress } from "../proxy/index.ts";
import { listenAddressText } from "../transport/index.ts";
import { CommandError } from "./usage.ts";

/** How long nothing may come of an answer. */
const ANSWER_TIMEOUT_MS = 5000;
/** How long all of an answer may take, however busy the one that sends it seems. */
const WHOLE_ANSWER_TIMEOUT_MS = 20_000;
/** What is shown of an error. */
const ERROR_CHARS_MAX = 300;
/** More than this is no answer of an admin endpoint. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

const NO_ANSWER: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the peer",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be looked up now",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "timed out",
};

/** What bounds a question. */
export interface AskBounds {
  /** Its abort, for which the reason is a signal's name, ends the question. */
  readonly stop?: AbortSignal;
  readonly wholeTimeoutMs?: number;
}

/**
 * The body of the answer to `GET path`.
 * @throws CommandError (rejects) when there is none, or it is an error.
 */
export async function askAdmin(
  admin: TcpAddress,
  path: string,
  bounds: AskBounds = {},
): Promise<string> {
  const where = listenAddressText(admin);
  const { status, body } = await httpGet(admin, path, bounds).catch((error: Error) => {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = NO_ANSWER[code ?? ""] ?? message;
    throw new CommandError(`--admin ${where}: no answer: ${reason}`);
  });
  const text = sentenceOf(body) || String(status);
  const isStranger = status !== 200 && isPage(body);
  if (isStranger) throw new CommandError(`--admin ${where}: ${strangerText(body, path)}`);
  if (status !== 200) throw new CommandError(`--admin ${where}: ${text}`);
  return body;
}

/** What a body says, in a line that is safe to print; another program may have sent it. */
function sentenceOf(body: string): string {
  const line = body
    .slice(0, 4 * ERROR_CHARS_MAX)
    .replace(/\s+/g, " ")
    .trim();
  return visible(line, ERROR_CHARS_MAX);
}

/** Whether a body is a page of help and not one sentence. */
function isPage(body: string): boolean {
  return body.trim().split("\n").length > 3;
}

/** A page of help comes from an Envoy, or from another command of ours. */
function strangerText(body: string, path: string): string {
  const what = path.split("?")[0]!;
  if (/config_dump|hot_restart_version/.test(body)) {
    return `an Envoy answers there, which has no ${what}: ask it by fairlead proxy-config`;
  }
  if (what === "/nodes") {
    return "no control plane answers there: ask a proxy by fairlead why or proxy-config";
  }
  const advice = "fairlead why is for proxies, proxy-status for control planes";
  return `whoever answers there has no ${what}: ${advice}`;
}

/** The error for a body that another program sent. */
export function notFairlead(admin: TcpAddress): CommandError {
  return new CommandError(`--admin ${listenAddressText(admin)}: not an answer of fairlead`);
}

function httpGet(
  { host, port }: TcpAddress,
  path: string,
  { stop, wholeTimeoutMs = WHOLE_ANSWER_TIMEOUT_MS }: AskBounds,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage): void => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length > ANSWER_BYTES_MAX) response.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    };
    const request = get({ host, port, path, timeout: ANSWER_TIMEOUT_MS }, onResponse);
    const end = (reason: string): void => {
      reject(new Error(reason));
      request.destroy();
    };
    const whole = realClock().setTimer(wholeTimeoutMs, () => end("timed out"));
    const onStop = (): void => end(`stopped by ${stop?.reason}`);
    if (stop?.aborted) onStop();
    else stop?.addEventListener("abort", onStop);
    request.on("timeout", () => end("timed out"));
    request.on("error", reject);
    request.on("close", () => {
      whole.cancel();
      stop?.removeEventListener("abort", onStop);
    });
  });
}
