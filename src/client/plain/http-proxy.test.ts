/** Tests of channels through an HTTP proxy of the environment: CONNECT, its login, TLS inside. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { after, afterEach, before, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { createAuthority } from "../../../test/support/certificates.ts";
import { type ChannelOptions, createChannel, GrpcError } from "./public.ts";

const SAY = {
  path: "/echo.Echo/Say",
  encode: (message: string) => Buffer.from(message),
  decode: (bytes: Uint8Array) => String(bytes),
};
const LOGIN = `Basic ${Buffer.from("user:pass-word").toString("base64")}`;

/** What the proxy was asked for. */
let asked: string[] = [];
let wantsLogin = false;
let proxy: Server;
const sockets = new Set<Socket>();
const servers: grpc.Server[] = [];
let ca = "";
let plain = 0;
let secure = 0;

function listen(credentials: grpc.ServerCredentials): Promise<number> {
  const server = new grpc.Server();
  servers.push(server);
  const same = (bytes: Buffer) => bytes;
  const say = (call: { request: Buffer }, done: (error: null, reply: Buffer) => void) =>
    done(null, call.request);
  server.register(SAY.path, say as never, same, same, "unary");
  return new Promise((done, failed) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, port) =>
      error === null ? done(port) : failed(error),
    );
  });
}

before(async () => {
  const authority = await createAuthority("a test CA");
  ca = authority.cert;
  const { cert, key } = await authority.issue({ names: ["echo.test"] });
  const pair = [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }];
  plain = await listen(grpc.ServerCredentials.createInsecure());
  secure = await listen(grpc.ServerCredentials.createSsl(null, pair));
  proxy = createServer();
  proxy.on("connect", ({ url, headers }, socket: Socket) => {
    asked.push(url!);
    sockets.add(socket);
    socket.on("error", () => {});
    if (wantsLogin && headers["proxy-authorization"] !== LOGIN) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    // The names of the tests are all this machine.
    const end = connect(Number(url!.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(end).pipe(socket);
    });
    sockets.add(end);
    end.on("error", () => socket.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
});
afterEach(() => {
  asked = [];
  wantsLogin = false;
  delete process.env.grpc_proxy;
  delete process.env.no_grpc_proxy;
});
after(() => {
  for (const server of servers) server.forceShutdown();
  for (const socket of sockets) socket.destroy();
  proxy.close();
});

/** One call on a channel that is made while the environment names the proxy. */
async function say(target: string, login: string, options: ChannelOptions = {}): Promise<string> {
  process.env.grpc_proxy = `http://${login}127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  using channel = createChannel(target, options);
  return await channel.unary(SAY, "hello", { timeoutMs: 10_000 });
}

test("a call goes through the proxy, which looks the name up", async () => {
  assert.equal(await say(`dns:///echo.test:${plain}`, ""), "hello");
  assert.deepEqual(asked, [`echo.test:${plain}`]);
});

test("TLS goes through it to the server itself", async () => {
  assert.equal(await say(`dns:///echo.test:${secure}`, "", { tls: { ca } }), "hello");
  assert.deepEqual(asked, [`echo.test:${secure}`]);
});

test("a login is sent; one that is refused is told of without it", async () => {
  wantsLogin = true;
  assert.equal(await say(`dns:///echo.test:${plain}`, "user:pass-word@"), "hello");
  for (const login of ["", "user:secret-word@"]) {
    await assert.rejects(say(`dns:///echo.test:${plain}`, login), (error) => {
      assert.ok(error instanceof GrpcError);
      assert.equal(error.code, grpc.status.UNAVAILABLE);
      const said = JSON.stringify([error.message, error.stack, error]);
      assert.match(said, /no tunnel to echo\.test:\d+: the proxy answers 407 Proxy Authentication/);
      assert.doesNotMatch(said, /secret-word|Basic|dXNlcj/);
      return true;
    });
  }
});

test("what no_grpc_proxy lists, and a channel that wants none, goes around it", async () => {
  process.env.no_grpc_proxy = "127.0.0.0/8";
  assert.equal(await say(`127.0.0.1:${plain}`, ""), "hello");
  delete process.env.no_grpc_proxy;
  assert.equal(await say(`127.0.0.1:${plain}`, "", { httpProxy: false }), "hello");
  assert.deepEqual(asked, []);
  assert.equal(await say(`127.0.0.1:${plain}`, ""), "hello");
  assert.deepEqual(asked, [`127.0.0.1:${plain}`]);
});
