/**
 * The control endpoint of a lab control plane that runs as its own process: what tests tell it over
 * HTTP, on a port apart from the API's, so that a hanging API can be told to go on.
 *
 *     POST   /faults               {"kind":"hang","verbs":["watch"]}: sets a fault (`faults.ts`)
 *     DELETE /faults[?kind=hang]   clears the faults of a kind, or all
 *     POST   /compact              forgets all history
 *     POST   /reset                resets all connections of the API
 *     POST   /expire-watches       ERROR 410 on all open watches
 *     POST   /finish-watches       ends all open watches in order
 *     POST   /duplicates           {"namespace","service"}: puts its endpoints into two slices each
 *     DELETE /duplicates           {"namespace","service"}: and takes them out again
 *     POST   /users                a user with tokens and rules (`access.ts`)
 *     POST   /revoke               {"token"}: is not accepted any more
 *     POST   /controller           {"paused": true}
 *     GET    /                     revision, watches, connections, faults, requests by verb
 */
import http from "node:http";
import type net from "node:net";
import { asJson, asText, type Json } from "../../base/index.ts";
import type { User } from "./access.ts";
import type { LabCluster } from "./cluster.ts";
import { parseFaultKind, parseFaultRule } from "./faults.ts";

/** A control endpoint that listens. */
export interface ControlServer {
  /** "http://127.0.0.1:40001": no slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

type Command = (cluster: LabCluster, body: Json, query: URLSearchParams) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  "POST /faults": ({ faults }, body) => faults.set(parseFaultRule(body)),
  "DELETE /faults": ({ faults }, _body, query) => {
    const kind = query.get("kind");
    faults.clear(kind === null ? undefined : parseFaultKind(kind));
  },
  "POST /compact": (cluster) => cluster.compact(),
  "POST /reset": ({ server }) => server.resetConnections(),
  "POST /expire-watches": ({ server }) => server.handler.expireWatches(),
  "POST /finish-watches": ({ server }) => server.handler.finishWatches(),
  "POST /duplicates": (cluster, body) =>
    cluster.duplicateEndpoints(asText(body.namespace), asText(body.service)),
  "DELETE /duplicates": (cluster, body) =>
    cluster.mergeDuplicates(asText(body.namespace), asText(body.service)),
  "POST /users": ({ access }, body) => access.setUser(body as unknown as User),
  "POST /revoke": ({ access }, body) => access.revokeToken(asText(body.token)),
  "POST /controller": ({ controller }, body) => controller?.setPaused(body.paused === true),
  "GET /": () => {},
};

/** Listens on 127.0.0.1. Rejects with the system's error when that cannot be. */
export async function serveControl(cluster: LabCluster, port: number): Promise<ControlServer> {
  const server = http.createServer((request, response) => {
    void answer(cluster, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = (server.address() as net.AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  cluster: LabCluster,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  let text = "";
  request.setEncoding("utf8");
  for await (const part of request) text += part;
  const url = new URL(request.url ?? "/", "http://control");
  const send = (code: number, value: unknown): void => {
    response.writeHead(code, { "content-type": "application/json" });
    response.end(`${JSON.stringify(value)}\n`);
  };
  const command = COMMANDS[`${request.method} ${url.pathname}`];
  if (!command) return send(404, { error: `${request.method} ${url.pathname}: no such command` });
  try {
    command(cluster, asJson(text === "" ? {} : JSON.parse(text)), url.searchParams);
  } catch (error) {
    return send(400, { error: (error as Error).message });
  }
  const { store } = cluster.objects;
  send(200, {
    ...{ revision: store.revision, compacted: store.compacted },
    watches: cluster.server.handler.watchCount,
    connections: cluster.server.connectionCount,
    faults: cluster.faults.list(),
    requests: Object.fromEntries(cluster.server.handler.counts),
  });
}
