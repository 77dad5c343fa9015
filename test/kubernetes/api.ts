/**
 * A small client of the Kubernetes API for tests: one request, one JSON answer. It lists and
 * writes; it does not watch, since watching is what is tested.
 */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Any JSON object. */
export type Json = { readonly [key: string]: unknown };

/** How an API server is reached. */
export interface ApiOptions {
  /** Opens a TCP connection to it. */
  readonly dial: () => Socket;
  /** Reads its PEM certificate; null for plain HTTP. */
  readonly ca: (() => string) | null;
  readonly token: string;
}

/** A status code that is not 2xx. */
export class ApiError extends Error {
  readonly status: number;

  constructor(method: string, path: string, status: number, body: string) {
    super(`${method} ${path}: ${status} ${body.slice(0, 500)}`);
    this.name = "ApiError";
    this.status = status;
  }
}

const TIMEOUT_MS = 10_000;
const MERGE_PATCH = "application/merge-patch+json";

/** See the head of this file. */
export class Api {
  readonly #options: ApiOptions;
  readonly #agent: http.Agent;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#agent = new (options.ca === null ? http : https).Agent({ keepAlive: true });
    // The agent keeps connections; where they lead is ours to say.
    Object.assign(this.#agent, { createConnection: () => this.#connect() });
  }

  #connect(): Socket {
    const { dial, ca } = this.#options;
    const socket = dial();
    return ca === null ? socket : connectTls({ socket, ca: ca(), servername: "kubernetes" });
  }

  /** The object at a path, or a list. */
  get<T = Json>(path: string): Promise<T> {
    return this.request("GET", path) as Promise<T>;
  }

  /** Creates an object. */
  post(path: string, body: Json): Promise<Json> {
    return this.request("POST", path, body);
  }

  /** Merges into an object (RFC 7386). */
  patch(path: string, body: Json): Promise<Json> {
    return this.request("PATCH", path, body, MERGE_PATCH);
  }

  /** Replaces an object. */
  put(path: string, body: Json): Promise<Json> {
    return this.request("PUT", path, body);
  }

  /** Deletes an object; `body` are DeleteOptions. */
  delete(path: string, body?: Json): Promise<Json> {
    return this.request("DELETE", path, body);
  }

  /** @throws ApiError for a status that is not 2xx. */
  async request(
    method: string,
    path: string,
    body?: Json,
    contentType = "application/json",
  ): Promise<Json> {
    const text = await this.#exchange(method, path, body, contentType);
    return text.startsWith("{") ? (JSON.parse(text) as Json) : { text };
  }

  #exchange(
    method: string,
    path: string,
    body: Json | undefined,
    contentType: string,
  ): Promise<string> {
    return new Promise((done, failed) => {
      const { ca, token } = this.#options;
      const text = Buffer.from(body === undefined ? "" : JSON.stringify(body));
      const request = (ca === null ? http : https).request(
        {
          method,
          path,
          agent: this.#agent,
          host: "api",
          timeout: TIMEOUT_MS,
          headers: {
            authorization: `Bearer ${token}`,
            accept: "application/json",
            // Node gives a DELETE no length of its own.
            "content-length": text.length,
            ...(body === undefined ? {} : { "content-type": contentType }),
          },
        },
        (response: IncomingMessage) => {
          let answer = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            answer += chunk;
          });
          response.on("error", failed);
          response.on("end", () => {
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) done(answer);
            else failed(new ApiError(method, path, status, answer));
          });
        },
      );
      request.on("error", failed);
      request.on("timeout", () => request.destroy(new Error(`${method} ${path}: no answer`)));
      request.end(text);
    });
  }

  /** Closes its connections; the next request opens a new one. */
  closeConnections(): void {
    this.#agent.destroy();
  }
}
