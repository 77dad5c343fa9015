/** A server that does not read, over real sockets: what a client keeps for it, and for how long. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http2, { type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { eventually } from "../../../../test/kubernetes/wait.ts";
import { bytesOf } from "../../../../test/mesh/json-bytes.ts";
import { cluster } from "../../../../test/mesh/resources.ts";
import { realClock, realRng, silentLogger, VirtualClock } from "../../../base/index.ts";
import { TransportLoop } from "../../../transport/index.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  RESOURCE_TYPES,
} from "../../../xds/index.ts";
import { bootstrapOf } from "../bootstrap/bootstrap.ts";
import { XdsClient, type XdsProtocol } from "../client.ts";
import { clusterKind } from "../decode/cluster.ts";
import { ENDPOINTS_KIND } from "../decode/endpoints.ts";
import { REQUEST_UNREAD_MS } from "../limits.ts";

const NAMES = Array.from({ length: 300 }, (_, i) => `${i} ${"x".repeat(300)}`);
const NOBODY = { onResource: () => {}, onAbsent: () => {}, onTrouble: () => {} };
const ANSWERS = 500;

/** Takes streams with a small window, and reads what comes when it is told to. */
class LazyServer {
  readonly streams: ServerHttp2Stream[] = [];
  readonly #server = http2.createServer({ settings: { initialWindowSize: 1_024 } });
  port = 0;

  static async start(t: TestContext): Promise<LazyServer> {
    const lazy = new LazyServer();
    lazy.#server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.pause();
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      lazy.streams.push(stream);
    });
    lazy.#server.listen(0, "127.0.0.1");
    await once(lazy.#server, "listening");
    lazy.port = (lazy.#server.address() as AddressInfo).port;
    t.after(() => {
      for (const stream of lazy.streams) stream.destroy();
      lazy.#server.close();
    });
    return lazy;
  }

  say(message: Uint8Array): void {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.streams.at(-1)!.write(Buffer.concat([prefix, message]));
  }

  /** From now on it reads: every message that comes, as it comes. */
  read(): Buffer[] {
    const messages: Buffer[] = [];
    let bytes = Buffer.alloc(0);
    const stream = this.streams.at(-1)!;
    stream.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1)) {
        const end = 5 + bytes.readUInt32BE(1);
        messages.push(bytes.subarray(5, end));
        bytes = bytes.subarray(end);
      }
    });
    stream.resume();
    return messages;
  }
}

function openClient(t: TestContext, port: number, protocol: XdsProtocol, clock = realClock()) {
  const channel_creds = [{ type: "insecure" }];
  const xds_servers = [{ server_uri: `127.0.0.1:${port}`, channel_creds }];
  const bootstrap = bootstrapOf({ xds_servers, node: { id: "me" } }, "t");
  const system = { clock, rng: realRng(), log: silentLogger, loop: new TransportLoop(realClock()) };
  const client = new XdsClient(bootstrap, { ...system, version: "1", isUnref: true }, protocol);
  t.after(() => client.close());
  return client;
}

const PROTOCOLS = [
  ["sotw", DiscoveryResponseSchema, DiscoveryRequestSchema],
  ["delta", DeltaDiscoveryResponseSchema, DeltaDiscoveryRequestSchema],
] as const;

// Each answer was acknowledged at once, with all 90 kB of names in a state of the world: 2,000
// answers of a server that did not read made 300 MB of requests that nobody would ever want.
for (const [protocol, Response, Request] of PROTOCOLS) {
  test(`${protocol}: of the answers that an unread request outlives the last is acknowledged`, async (t) => {
    const server = await LazyServer.start(t);
    const client = openClient(t, server.port, protocol);
    let clusters = 0;
    for (const name of NAMES) client.watch(ENDPOINTS_KIND, name, NOBODY);
    const kind = clusterKind(() => null);
    client.watch(kind, "c", { ...NOBODY, onResource: () => void (clusters += 1) });
    await eventually("a stream", () => server.streams.length === 1);
    for (let i = 0; i < ANSWERS; i += 1) {
      // The last but one is good, the last one is not.
      const isBad = i === ANSWERS - 1;
      const resource = { typeUrl: RESOURCE_TYPES.EDS, value: Buffer.from("junk") };
      const resources = protocol === "sotw" ? [resource] : [{ name: "", version: "", resource }];
      const message = { typeUrl: RESOURCE_TYPES.EDS, nonce: `n${i}` };
      const version = protocol === "sotw" ? { versionInfo: `v${i}` } : {};
      const all = { ...message, ...version, resources: isBad ? resources : [] };
      server.say(toBinary(Response, create(Response as never, all as never)));
    }
    const value = bytesOf(cluster("c"));
    const resource = { typeUrl: RESOURCE_TYPES.CDS, value };
    const resources = protocol === "sotw" ? [resource] : [{ name: "c", version: "", resource }];
    const last = { typeUrl: RESOURCE_TYPES.CDS, nonce: "c1", resources };
    server.say(toBinary(Response, create(Response as never, last as never)));
    await eventually("all answers", () => clusters === 1);

    const messages = server.read();
    const requests = () =>
      messages
        .map((bytes) => fromBinary(Request, bytes))
        .map(({ typeUrl, ...rest }) => {
          const { responseNonce, errorDetail } = rest;
          const version = "versionInfo" in rest ? rest.versionInfo : "";
          const kindName = typeUrl === RESOURCE_TYPES.EDS ? "EDS" : "CDS";
          return `${kindName} ${responseNonce} ${version} ${errorDetail?.message ?? "ACK"}`;
        });
    // By difference an ACK does not say what is wanted: that follows.
    const wanted = protocol === "sotw" ? [] : ["CDS   ACK"];
    await eventually("all requests", () => requests().length >= 3 + wanted.length);
    const version = protocol === "sotw" ? `v${ANSWERS - 2}` : "";
    assert.deepEqual(requests(), [
      "EDS   ACK",
      `EDS n${ANSWERS - 1} ${version} EDS resource 0: is no message of its type`,
      "CDS c1  ACK",
      ...wanted,
    ]);
  });
}

test("a request that is not read for REQUEST_UNREAD_MS ends the stream, with the reason", async (t) => {
  const server = await LazyServer.start(t);
  const clock = new VirtualClock();
  const client = openClient(t, server.port, "sotw", clock);
  for (const name of NAMES) client.watch(ENDPOINTS_KIND, name, NOBODY);
  clock.advance(0);
  await eventually("a stream", () => server.streams.length === 1);
  clock.advance(REQUEST_UNREAD_MS - 1);
  assert.equal(client.trouble, null);
  clock.advance(1);
  assert.equal(
    client.trouble,
    `xDS server 127.0.0.1:${server.port}: it has read no request for 60 s`,
  );
  // One that is read in time is not.
  await eventually("another stream", () => {
    clock.advance(1_000);
    return server.streams.length === 2;
  });
  const messages = server.read();
  await eventually("the request", () => messages.length === 1);
  assert.equal(fromBinary(DiscoveryRequestSchema, messages[0]!).resourceNames.length, 300);
  await eventually("that it is taken", () => clock.pendingCount <= 300);
});
