/** Tests of `proxy-url` on real sockets: CONNECT, SOCKS 5, and proxies that do not answer. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { after, afterEach, before, test } from "node:test";
import { createAuthority } from "../../../../../test/support/certificates.ts";
import { VirtualClock } from "../../../../base/index.ts";
import { Secret } from "../secret.ts";
import { RESPONSE_TIMEOUT_MS } from "./exchange.ts";
import {
  accessTo,
  clientOf,
  failureOf,
  fetchOf,
  pemData,
  ScriptedServer,
  until,
} from "./server-suite.ts";

let api: ScriptedServer;
let secureApi: ScriptedServer;
let caCert: string;

before(async () => {
  const ca = await createAuthority("proxy-test-ca");
  caCert = ca.cert;
  const pair = await ca.issue({ names: ["127.0.0.1"] });
  api = await new ScriptedServer((_request, response) => response.end('{"via":"http"}')).listen();
  secureApi = await new ScriptedServer((_request, response) => response.end('{"via":"tls"}'), {
    cert: pair.cert,
    key: pair.key,
  }).listen();
});

after(() => Promise.all([api.close(), secureApi.close()]));

/** Closed after the test, whatever came of it. */
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server on a raw socket. */
async function rawServer(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    onSocket(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  closers.push(close);
  return { port: (server.address() as AddressInfo).port, sockets, close };
}

function join(socket: Socket, port: number): Socket {
  const onward = connect(port, "127.0.0.1");
  onward.on("error", () => socket.destroy());
  onward.on("close", () => socket.destroy());
  socket.on("close", () => onward.destroy());
  return onward;
}

/** CONNECT, as RFC 9110 §9.3.6 has it. */
function connectProxy(seen: string[], status = "200 OK") {
  return rawServer((socket) => {
    let head = "";
    const onData = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", onData);
      seen.push(head);
      const port = Number(/^CONNECT [^:]+:(\d+)/.exec(head)?.[1]);
      if (status !== "200 OK") {
        socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      const onward = join(socket, port);
      onward.once("connect", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(onward).pipe(socket);
      });
    };
    socket.on("data", onData);
  });
}

/** SOCKS 5 (RFC 1928) without authentication, for names and IPv4 addresses. */
function socksProxy(seen: string[]) {
  return rawServer((socket) => {
    socket.once("data", () => {
      socket.write(Buffer.from([5, 0]));
      socket.once("data", (request: Buffer) => {
        const port = request.readUInt16BE(request.length - 2);
        seen.push(`type ${request[3]} port ${port}`);
        const onward = join(socket, port);
        onward.once("connect", () => {
          socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
          socket.pipe(onward).pipe(socket);
        });
      });
    });
  });
}

function through(proxyUrl: string, server: ScriptedServer, clock?: VirtualClock) {
  const isTls = server === secureApi;
  const cluster = { proxyUrl: new Secret(proxyUrl), ca: isTls ? pemData(caCert) : null };
  const url = `${isTls ? "https" : "http"}://127.0.0.1:${server.port}`;
  const { client } = clientOf(accessTo(url, cluster), clock === undefined ? {} : { clock });
  closers.push(async () => client.close());
  return client;
}

test("an http proxy is asked to CONNECT, with its password, and one tunnel serves many", async () => {
  const seen: string[] = [];
  const proxy = await connectProxy(seen);
  for (const server of [api, secureApi]) {
    const client = through(`http://user:pass@127.0.0.1:${proxy.port}`, server);
    const via = server === api ? "http" : "tls";
    assert.deepEqual(await fetchOf(client, "/1"), { via });
    assert.deepEqual(await fetchOf(client, "/2"), { via });
    client.close();
    await server.deserted();
    await until(() => proxy.sockets.size === 0);
  }
  assert.equal(seen.length, 2);
  assert.match(seen[0], new RegExp(`^CONNECT 127.0.0.1:${api.port} HTTP/1.1\r\n`));
  assert.match(seen[1], /Proxy-Authorization: Basic dXNlcjpwYXNz\r\n/);
});

test("a socks5 proxy carries it as well", async () => {
  const seen: string[] = [];
  const proxy = await socksProxy(seen);
  for (const server of [api, secureApi]) {
    const client = through(`socks5://127.0.0.1:${proxy.port}`, server);
    assert.deepEqual(await fetchOf(client, "/"), { via: server === api ? "http" : "tls" });
    client.close();
    await server.deserted();
    await until(() => proxy.sockets.size === 0);
  }
  assert.deepEqual(
    seen.map((text) => text.replace(/\d+$/, "N")),
    ["type 1 port N", "type 1 port N"],
  );
});

test("a watch through a proxy may be silent: no time limit of a connection remains", async () => {
  const proxies = { http: await connectProxy([]), socks5: await socksProxy([]) };
  for (const [scheme, { port }] of Object.entries(proxies)) {
    const client = through(`${scheme}://127.0.0.1:${port}`, api);
    const limits: unknown[] = [];
    const onRequest = (message: unknown) => {
      const { request } = message as { request: ClientRequest };
      request.once("response", () => limits.push(request.socket?.timeout ?? 0));
    };
    subscribe("http.client.request.start", onRequest);
    assert.deepEqual(await fetchOf(client, "/"), { via: "http" });
    unsubscribe("http.client.request.start", onRequest);
    assert.deepEqual(limits.slice(-1), [0], scheme);
    client.close();
  }
});

test("a proxy that refuses is a failure without its password", async () => {
  const proxy = await connectProxy([], "407 Proxy Authentication Required");
  const client = through(`http://user:hush@127.0.0.1:${proxy.port}`, secureApi);
  const { reason } = await failureOf(client);
  assert.doesNotMatch(reason, /hush/);
  client.close();
  await until(() => proxy.sockets.size === 0);
});

test("a proxy that is not there is a failure", async () => {
  const proxy = await connectProxy([]);
  await proxy.close();
  for (const scheme of ["http", "socks5"]) {
    const client = through(`${scheme}://127.0.0.1:${proxy.port}`, api);
    assert.match((await failureOf(client)).reason, /through its proxy-url: .*(REFUSED|refused)/);
    client.close();
  }
});

test("a proxy that does not answer is given up, and its connection is closed", async () => {
  const proxy = await rawServer((socket) => socket.resume());
  const clock = new VirtualClock();
  const client = through(`http://127.0.0.1:${proxy.port}`, secureApi, clock);
  const failure = failureOf(client);
  await until(() => proxy.sockets.size === 1);
  clock.advance(RESPONSE_TIMEOUT_MS);
  assert.match((await failure).reason, /no answer within 15 s$/);
  await until(() => proxy.sockets.size === 0);
  client.close();
});
