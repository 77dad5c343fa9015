/**
 * A control plane for one test, and a client that reads what it says. Not for production code.
 */
import http from "node:http";
import type { TestContext } from "node:test";
import { type Json, realClock, seededRng } from "../../base/index.ts";
import { type ClusterOptions, type LabCluster, startCluster } from "./cluster.ts";

const ANSWER_TIMEOUT_MS = 10_000;

/** An answer that was read to its end. */
export interface Reply {
  readonly code: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** The body, when it is JSON. */
  readonly body: Json;
}

/** What a request carries. */
export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly token?: string;
}

/** A watch as a test sees it. */
export interface Seen {
  readonly code: number;
  /** All events so far, as they came. */
  readonly events: readonly { readonly type: string; readonly object: Json }[];
  /** Events as "TYPE name". */
  readonly lines: readonly string[];
  readonly isEnded: boolean;
  /** Resolves when it has so many events, or at its end. */
  until(count: number): Promise<void>;
  close(): void;
}

/** Starts a control plane that is gone after the test. */
export async function startTestCluster(
  t: TestContext,
  change: Partial<ClusterOptions> = {},
): Promise<LabCluster> {
  const cluster = await startCluster({ clock: realClock(), rng: seededRng(1), ...change });
  t.after(() => cluster.close());
  return cluster;
}

/** Sends a request and reads the answer. */
export function ask(cluster: LabCluster, path: string, given: Ask = {}): Promise<Reply> {
  const { method = "GET", body, type = "application/json", token } = given;
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    // Node frames the body of a DELETE only when it is told its length.
    const length = { "content-length": Buffer.byteLength(text) };
    const headers = {
      ...(body === undefined ? {} : { "content-type": type, ...length }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const request = http.request(cluster.url + path, { method, headers, agent: false });
    // An answer that does not end fails its test instead of holding it.
    const timer = realClock().setTimer(ANSWER_TIMEOUT_MS, () => request.destroy());
    request.on("close", () => timer.cancel());
    request.on("error", reject);
    request.on("response", (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (part) => {
        answer += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode, headers: got } = response;
        const isJson = got["content-type"] === "application/json";
        const value = isJson ? JSON.parse(answer) : {};
        resolve({ code: statusCode!, headers: got, text: answer, body: value });
      });
    });
    request.end(text);
  });
}

/** Opens a watch. Rejects when the connection is refused or cut before the answer. */
export function watch(
  t: TestContext,
  cluster: LabCluster,
  path: string,
  token?: string,
): Promise<Seen> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const request = http.get(cluster.url + path, { headers, agent: false });
    t.after(() => request.destroy());
    request.on("error", reject);
    request.on("response", (response) => {
      const events: { type: string; object: Json }[] = [];
      let rest = "";
      let isEnded = false;
      let wake: () => void = () => {};
      response.setEncoding("utf8").on("data", (part) => {
        const lines = (rest + part).split("\n");
        rest = lines.pop()!;
        for (const line of lines) events.push(JSON.parse(line));
        wake();
      });
      response.on("error", () => {});
      response.on("close", () => {
        isEnded = true;
        wake();
      });
      resolve({
        code: response.statusCode!,
        events,
        get lines() {
          return events.map(({ type, object }) => {
            const { name = "" } = object.metadata as { name?: string };
            return `${type} ${name}`.trim();
          });
        },
        get isEnded() {
          return isEnded;
        },
        until: async (count) => {
          while (events.length < count && !isEnded) {
            await new Promise<void>((done) => {
              wake = done;
            });
          }
        },
        close: () => request.destroy(),
      });
    });
  });
}

/** The body of a Service with one port. */
export function serviceBody(name: string, labels: Readonly<Record<string, string>> = {}): Json {
  return { metadata: { name, labels }, spec: { ports: [{ name: "grpc", port: 80 }] } };
}
