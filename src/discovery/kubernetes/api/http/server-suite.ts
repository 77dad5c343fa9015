/**
 * For tests on real sockets: a small API server whose answers a test scripts, and what is needed to
 * reach it. Listens on 127.0.0.1 only; closes whatever is left.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { ServerOptions as TlsServerOptions } from "node:https";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, RecordingLogger, realClock, seededRng } from "../../../../base/index.ts";
import type { ApiAccess } from "../config/access.ts";
import type { ClusterEntry, UserEntry } from "../config/entries.ts";
import { Secret } from "../secret.ts";
import { ApiClient, type ApiClientDeps } from "./client.ts";
import type { ApiFailure } from "./failure.ts";

/** A server that answers as `onRequest` says. */
export class ScriptedServer {
  readonly requests: IncomingMessage[] = [];
  readonly sockets = new Set<Socket>();
  readonly #server: Server;
  #openedCount = 0;

  constructor(onRequest: RequestListener, tls: TlsServerOptions | null = null) {
    const listener: RequestListener = (request, response) => {
      this.requests.push(request);
      onRequest(request, response);
    };
    this.#server = tls === null ? createServer(listener) : createTlsServer(tls, listener);
    this.#server.on("connection", (socket: Socket) => {
      this.#openedCount += 1;
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("error", () => {});
    });
  }

  /** Connections so far. */
  get openedCount(): number {
    return this.#openedCount;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get server(): Server {
    return this.#server;
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** Waits until no connection is open: whoever was there has left. */
  async deserted(): Promise<void> {
    await until(() => this.sockets.size === 0);
  }
}

/** Waits for something that real sockets bring about. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (let turns = 0; !isTrue(); turns += 1) {
    assert.ok(turns < 5000, "what was waited for did not come within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The way to a server at a port. */
export function accessTo(
  server: string,
  cluster: Partial<ClusterEntry> = {},
  user: Partial<UserEntry> = {},
): ApiAccess {
  return {
    description: `${server} as context test`,
    namespace: "prod",
    cluster: {
      server,
      ca: null,
      isInsecure: false,
      tlsServerName: null,
      proxyUrl: null,
      ...cluster,
    },
    user: {
      token: null,
      tokenFile: null,
      certificate: null,
      key: null,
      plugin: null,
      impersonate: {},
      ...user,
    },
  };
}

/** PEM data as a kubeconfig holds it. */
export function pemData(text: string, name = "data") {
  return { name, path: null, data: new Secret(text) };
}

/** A client of an access, and its log. */
export function clientOf(access: ApiAccess, deps: Partial<ApiClientDeps> & { clock?: Clock } = {}) {
  const log = new RecordingLogger();
  const client = new ApiClient(access, { clock: realClock(), rng: seededRng(1), log, ...deps });
  return { client, log };
}

/** What became of one request, as text or as the failure. */
export function fetchOf(client: ApiClient, path: string): Promise<unknown> {
  return new Promise((resolve, reject: (failure: ApiFailure) => void) => {
    client.get(path, { onDocument: resolve, onFailure: reject });
  });
}

/** The failure of a request that must fail. */
export async function failureOf(client: ApiClient, path = "/x"): Promise<ApiFailure> {
  const answer = await fetchOf(client, path).then(
    (value) => assert.fail(`it answered ${JSON.stringify(value)}`),
    (failure: ApiFailure) => failure,
  );
  return answer;
}

/** A watch that keeps what it hears: "open", JSON of each read, "end", "! reason". */
export function watchOf(client: ApiClient, path: string) {
  const heard: string[] = [];
  const request = client.watch(path, {
    onOpen: () => heard.push("open"),
    onEvents: (events) => heard.push(JSON.stringify(events)),
    onEnd: () => heard.push("end"),
    onFailure: ({ reason }) => heard.push(`! ${reason}`),
  });
  return { heard, request };
}
