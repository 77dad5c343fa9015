/**
 * For tests of the command: `bin/fairlead` as a process, stock HTTP/2 servers behind it, and stock
 * clients in front. Nothing here knows the sources of fairlead.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2, { type ClientHttp2Session, type Http2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { fileURLToPath } from "node:url";
import { type RunningProcess, startProcess } from "../peers/processes.ts";

/** The command of this checkout. */
export const FAIRLEAD = fileURLToPath(new URL("../../bin/fairlead", import.meta.url));

/** One line of the log. */
export type LogLine = { level: string; time: string; msg: string } & Record<string, unknown>;

/** A proxy that has begun to listen. */
export interface StartedProxy {
  readonly process: RunningProcess;
  /** Of its listeners, in order. */
  readonly addresses: string[];
  /** Of its admin endpoint, "" without one. */
  readonly admin: string;
}

/** Starts `fairlead proxy` and resolves once it says where it listens. */
export async function startProxy(...args: string[]): Promise<StartedProxy> {
  const process = startProcess(FAIRLEAD, ["proxy", ...args]);
  const listeners = args.filter((arg) => arg === "--listen").length;
  await process.waitFor(new RegExp(`(?:"msg":"listening"[^]*){${listeners}}`));
  if (args.includes("--admin")) await process.waitFor(/"msg":"admin"/);
  const lines = logLines(process);
  const addresses = lines.filter(({ msg }) => msg === "listening").map(({ address }) => address);
  const admin = lines.find(({ msg }) => msg === "admin")?.address ?? "";
  return { process, addresses: addresses as string[], admin: admin as string };
}

/** All of its log so far; throws when a line is not JSON. */
export function logLines(process: RunningProcess): LogLine[] {
  return process.stderr
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
}

/** An answer of an admin endpoint. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Asks an admin endpoint. */
export function ask(admin: string, path: string, method = "GET"): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(`http://${admin}${path}`, { method, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode!, body }));
    });
    request.on("error", reject);
    request.end();
  });
}

/** Repeats `look` until it answers true; rejects after ten seconds. */
export async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within ten seconds: ${what}`);
}

/** How long a call to "/slow" takes. */
const SLOW_MS = 500;

/** A stock h2c server that answers calls with its name: "/slow" ones late, "/hang" ones never. */
export interface Upstream {
  readonly address: string;
  /** Calls seen. */
  readonly count: () => number;
  close(): Promise<void>;
}

/** Starts one on 127.0.0.1, or uses the given server. */
export async function startUpstream(
  name: string,
  server: Http2Server = http2.createServer(),
  port = 0,
): Promise<Upstream> {
  let count = 0;
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    count += 1;
    stream.on("error", () => {});
    const answer = (): void => {
      if (stream.destroyed) return;
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "x-name": name },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end();
    };
    if (headers[":path"] === "/slow") setTimeout(answer, SLOW_MS);
    else if (headers[":path"] !== "/hang") answer();
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => count,
    close: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** What came of a call. */
export interface CallResult {
  readonly status: number;
  /** From headers or trailers; "" without one. */
  readonly grpcStatus: string;
  readonly grpcMessage: string;
  /** Who answered. */
  readonly name: string;
}

/** Calls over a session of a stock client. */
export function call(session: ClientHttp2Session, path = "/echo.Echo/Say"): Promise<CallResult> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let headers: http2.IncomingHttpHeaders = {};
    stream.on("response", (some) => {
      headers = { ...headers, ...some };
    });
    stream.on("trailers", (some) => {
      headers = { ...headers, ...some };
    });
    stream.on("error", reject);
    stream.on("end", () => {
      resolve({
        status: Number(headers[":status"]),
        grpcStatus: String(headers["grpc-status"] ?? ""),
        grpcMessage: decodeURIComponent(String(headers["grpc-message"] ?? "")),
        name: String(headers["x-name"] ?? ""),
      });
    });
    stream.resume();
    stream.end();
  });
}

/** Dials, runs `body` with the session, and closes it. */
export async function withSession<T>(
  url: string,
  body: (session: ClientHttp2Session) => Promise<T>,
  options: http2.SecureClientSessionOptions = {},
): Promise<T> {
  const session = http2.connect(url, options);
  session.on("error", () => {});
  try {
    return await body(session);
  } finally {
    session.destroy();
  }
}

/** Whether nobody listens on a port of loopback. */
export function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", () => resolve(true));
  });
}

/** Whether a process is there; a zombie is not. Linux only; elsewhere by signal 0. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).syscall === "open";
  }
}
