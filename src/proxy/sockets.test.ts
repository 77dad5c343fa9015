/** Tests of the proxy on Unix sockets, with TLS on either side, and with stock HTTP/2 programs. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { connect as connectNet } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { type Authority, createAuthority } from "../../test/support/certificates.ts";
import { ProxyHarness, runWith, withStock } from "../../test/support/proxy.ts";
import { eventually, grpcRequest, RawServer } from "../../test/support/raw-http2.ts";

let directory = "";
let authority: Authority;
let strangers: Authority;
/** Paths of PEM files by name. */
const files: Record<string, string> = {};

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "fairlead-proxy-"));
  authority = await createAuthority("proxy test CA");
  strangers = await createAuthority("another CA");
  const server = await authority.issue({ names: ["localhost", "127.0.0.1", "echo.test"] });
  const client = await authority.issue({ names: ["client.test"] });
  const stranger = await strangers.issue({ names: ["localhost", "127.0.0.1"] });
  const all = { server, client, stranger };
  for (const [name, pair] of Object.entries(all)) {
    files[`${name}.crt`] = write(`${name}.crt`, pair.cert);
    files[`${name}.key`] = write(`${name}.key`, pair.key);
  }
  files["ca.crt"] = write("ca.crt", authority.cert);
});

after(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** One call over a stock session: its status and body. */
async function callOver(session: http2.ClientHttp2Session): Promise<string> {
  const stream = session.request({ ":method": "POST", ":path": "/a/b" });
  stream.end("hello");
  let body = "";
  stream.on("data", (bytes) => {
    body += bytes;
  });
  const [headers] = await once(stream, "response");
  await once(stream, "end");
  return `${headers[":status"]} ${body}`;
}

/** A stock server that answers "NAME: BODY". */
async function stockServer(
  server: http2.Http2Server | http2.Http2SecureServer,
  at: number | string,
): Promise<{ port: number; close: () => Promise<void> }> {
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream: http2.ServerHttp2Stream) => {
    stream.on("error", () => {});
    let body = "";
    stream.on("data", (bytes) => {
      body += bytes;
    });
    stream.on("end", () => {
      stream.respond({ ":status": 200 });
      stream.end(`got ${body}`);
    });
  });
  if (typeof at === "string") server.listen(at);
  else server.listen(at, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  return {
    port: typeof bound === "object" ? bound!.port : 0,
    close: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("Unix sockets work on both sides", async () => {
  const upstreamPath = join(directory, "up.sock");
  const listenPath = join(directory, "down.sock");
  const upstream = await stockServer(http2.createServer(), upstreamPath);
  const harness = new ProxyHarness(`unix:${upstreamPath}`, { listeners: [{ path: listenPath }] });
  harness.onClose(upstream.close);
  await runWith(harness, async () => {
    await harness.start(1);
    assert.deepEqual(harness.addresses, [`unix:${listenPath}`]);
    const session = http2.connect("http://echo.test", {
      createConnection: () => connectNet(listenPath),
    });
    harness.onClose(() => session.destroy());
    assert.equal(await callOver(session), "200 got hello");
    assert.equal(harness.proxy.clusters()[0].endpoints[0].address, `unix:${upstreamPath}`);
  });
});

test("a socket file that a crash left over is taken; one in use is not", async () => {
  const path = join(directory, "left.sock");
  const server = await RawServer.listen();
  // A process that binds the path and is killed leaves the file behind.
  const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script, path]);
  const first = new ProxyHarness(server.address, { listeners: [{ path }] });
  first.own(server);
  await runWith(first, async () => {
    await first.start(1);
    const second = new ProxyHarness(server.address, { listeners: [{ path }] });
    await assert.rejects(
      second.proxy.listen(),
      new RegExp(`cannot listen on unix:${path}: the address is in use`),
    );
    await second.close(true);
  });
});

test("when one address cannot be had, none is held", async () => {
  const server = await RawServer.listen();
  const listeners = [
    { host: "127.0.0.1", port: 0 },
    { host: "127.0.0.1", port: server.port },
  ];
  const harness = new ProxyHarness(server.address, { listeners });
  harness.own(server);
  await assert.rejects(harness.proxy.listen(), /cannot listen on 127\.0\.0\.1:\d+: .*in use/);
  await harness.close(true);
  assert.equal(server.connections.length, 0, "nor was anything connected");
});

test("TLS on both sides, with client certificates on both", async () => {
  const upstream = await stockServer(
    http2.createSecureServer({
      cert: readFileSync(files["server.crt"]),
      key: readFileSync(files["server.key"]),
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
    }),
    0,
  );
  const harness = new ProxyHarness(`127.0.0.1:${upstream.port}`, {
    tls: {
      certFile: files["server.crt"],
      keyFile: files["server.key"],
      clientCaFile: files["ca.crt"],
    },
    upstreamTls: {
      caFile: files["ca.crt"],
      certFile: files["client.crt"],
      keyFile: files["client.key"],
      serverName: "echo.test",
    },
  });
  harness.onClose(upstream.close);
  await runWith(harness, async () => {
    await harness.start(1);
    const dial = (name: string) =>
      http2.connect(`https://${harness.address}`, {
        ca: authority.cert,
        cert: readFileSync(files[`${name}.crt`]),
        key: readFileSync(files[`${name}.key`]),
      });
    const session = dial("client");
    harness.onClose(() => session.destroy());
    assert.equal(await callOver(session), "200 got hello");

    const stranger = dial("stranger");
    stranger.on("error", () => {});
    await once(stranger, "close");
    await eventually("counted", () => {
      return harness.metric("fairlead_downstream_connections_refused_total") === 1;
    });
    assert.equal(await callOver(session), "200 got hello", "the others are not touched");
  });
});

test("a server whose certificate is not trusted is not used, and the reason is told", async () => {
  const upstream = await stockServer(
    http2.createSecureServer({
      cert: readFileSync(files["stranger.crt"]),
      key: readFileSync(files["stranger.key"]),
    }),
    0,
  );
  const harness = new ProxyHarness(`127.0.0.1:${upstream.port}`, {
    upstreamTls: { caFile: files["ca.crt"], certFile: null, keyFile: null, serverName: null },
  });
  harness.onClose(upstream.close);
  await runWith(harness, async () => {
    harness.addresses = await harness.proxy.listen();
    await eventually("a reason", () => /certificate/.test(harness.proxy.readiness().reason));
    const client = await harness.client();
    const call = client.request(grpcRequest());
    await client.roundTrip();
    await harness.pass(5_010);
    await eventually("the refusal", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "14");
    assert.match(decodeURIComponent(call.get("grpc-message")!), /certificate/);
  });
});

test("a server that speaks no h2 over TLS is not used, and the reason is told", async () => {
  const server = createTlsServer({
    cert: readFileSync(files["server.crt"]),
    key: readFileSync(files["server.key"]),
    ALPNProtocols: ["http/1.1"],
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const harness = new ProxyHarness(`127.0.0.1:${port}`, {
    upstreamTls: { caFile: files["ca.crt"], certFile: null, keyFile: null, serverName: null },
  });
  harness.onClose(() => void server.close());
  await runWith(harness, async () => {
    await harness.proxy.listen();
    await eventually("a reason", () => /ALPN|h2/.test(harness.proxy.readiness().reason));
    assert.equal(harness.proxy.readiness().ready, false);
  });
});

test("a stock client's calls of all shapes are answered by a stock server", async () => {
  await withStock(
    (stream, headers) => {
      const path = headers[":path"]!;
      if (path === "/push") stream.respond({ ":status": 200, "x-method": headers[":method"] });
      else if (path === "/trailers") {
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-t": "1" }));
      } else if (path === "/hints") {
        stream.additionalHeaders({ ":status": 103, link: "</a>" });
        stream.respond({ ":status": 200 });
      } else if (path === "/bare") {
        stream.respond({ ":status": 304, etag: '"1"' }, { endStream: true });
        return;
      } else stream.respond({ ":status": 404 });
      stream.end(headers[":method"] === "HEAD" ? undefined : path);
    },
    async (harness) => {
      const session = await harness.session();
      const get = async (path: string, method = "GET") => {
        const stream = session.request({ ":method": method, ":path": path });
        const seen: Record<string, unknown> = {};
        stream.on("headers", (headers) => {
          seen.link = headers.link;
        });
        stream.on("trailers", (trailers) => {
          seen.trailer = trailers["x-t"];
        });
        stream.on("response", (headers) => {
          seen.status = headers[":status"];
        });
        let body = "";
        stream.on("data", (bytes) => {
          body += bytes;
        });
        await once(stream, "close");
        return { ...seen, body };
      };
      assert.deepEqual(await get("/nothing"), { status: 404, body: "/nothing" });
      assert.deepEqual(await get("/push", "HEAD"), { status: 200, body: "" });
      assert.deepEqual(await get("/trailers"), { status: 200, trailer: "1", body: "/trailers" });
      assert.deepEqual(await get("/hints"), { status: 200, link: "</a>", body: "/hints" });
      assert.deepEqual(await get("/bare"), { status: 304, body: "" });
      const many = await Promise.all(Array.from({ length: 300 }, (_, i) => get(`/n/${i}`)));
      assert.deepEqual(
        many.map(({ body }) => body),
        Array.from({ length: 300 }, (_, i) => `/n/${i}`),
      );
    },
  );
});
