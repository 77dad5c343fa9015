/**
 * The paths of the page's server that only ask: `/why?lane=NAME[&pod=POD]` and `/calls?lane=NAME`.
 */
import { LabError } from "../error.ts";
import type { CallsAnswer, WhyAnswer } from "./answer.ts";
import { UnknownError } from "./desk.ts";

/** What answers; the lab does. */
export interface Asked {
  why(lane: string, pod: string | null): Promise<WhyAnswer>;
  calls(lane: string): Promise<CallsAnswer>;
}

/** An answer of HTTP; `json` is a value, not its text, and has `error`, a sentence, if not 200. */
export interface AskAnswer {
  readonly status: number;
  readonly json: unknown;
}

/** @param path "/why" or "/calls". Never rejects for what the asker or a client of a lane did. */
export async function ask(asked: Asked, path: string, params: URLSearchParams): Promise<AskAnswer> {
  const lane = params.get("lane");
  if (lane === null || lane === "") {
    return { status: 400, json: { error: `GET ${path} needs ?lane=NAME` } };
  }
  try {
    const pod = params.get("pod") || null;
    const json = path === "/why" ? await asked.why(lane, pod) : await asked.calls(lane);
    return { status: 200, json };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const status = error instanceof UnknownError ? 404 : 503;
    return { status, json: { error: error.message } };
  }
}
