/** A channel of an xDS target against a real ADS stream and a real server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AdsServer } from "../../../test/mesh/ads-server.ts";
import { sotwBytes } from "../../../test/mesh/json-bytes.ts";
import {
  apiListener,
  cluster,
  endpoints,
  type Json,
  routes,
  routeTo,
} from "../../../test/mesh/resources.ts";
import { realClock, silentLogger } from "../../base/index.ts";
import { GrpcServer, unaryMethod } from "../../server/index.ts";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import { createChannel } from "../plain/public.ts";

const PATH = "/test.Test/Headers";

test("a route sets headers of calls, but none that HTTP/2 or gRPC has its own use for", async (t) => {
  const headers = unaryMethod(PATH, 100, (_, call) => {
    const pairs = call.headers.fields.map(({ name, value }) => `${name.text}=${value}`);
    return Buffer.from(pairs.join("\n"));
  });
  const addresses = [{ host: "127.0.0.1", port: 0 }];
  const system = { clock: realClock(), log: silentLogger };
  const pod = new GrpcServer({ addresses, tls: null }, [headers], system);
  const [address] = await pod.listen();
  const ads = await AdsServer.start();
  process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
    xds_servers: [{ server_uri: ads.address, channel_creds: [{ type: "insecure" }] }],
    node: { id: "me" },
  });
  const channel = createChannel("xds:///a");
  t.after(() => {
    channel.close();
    ads.close();
    pod.close();
  });
  const set = [
    ...[
      ["x-version", "7"],
      ["grpc-timeout", "1n"],
      ["connection", "close"],
      ["te", "gzip"],
    ],
    ["content-length", "9"],
  ];
  const requestHeadersToAdd = set.map(([key, value]) => ({
    header: { key, value },
    appendAction: "OVERWRITE_IF_EXISTS_OR_ADD",
  }));
  const said: Readonly<Record<"LDS" | "RDS" | "CDS" | "EDS", Json>> = {
    LDS: apiListener("a"),
    RDS: routes("a", [{ ...routeTo("a"), requestHeadersToAdd }]),
    CDS: cluster("a"),
    EDS: endpoints("a", [address!]),
  };
  const method = {
    path: PATH,
    encode: (text: string): Uint8Array => Buffer.from(text),
    decode: (bytes: Buffer): string => bytes.toString(),
  };
  let answer: string | null = null;
  const call = channel.unary(method, "x", {
    timeoutMs: 10_000,
    waitForReady: true,
  });
  const done = call.then((got) => void (answer = got));
  for (let i = 0; i < 500 && answer === null; i += 1) {
    // What is not asked for yet is passed over.
    for (const [type, resource] of Object.entries(said)) {
      ads.say(sotwBytes(RESOURCE_TYPES[type as keyof typeof said], [resource]));
    }
    await sleep(10);
  }
  await done;
  const got = answer!.split("\n");
  assert.ok(got.includes("x-version=7"), answer!);
  assert.ok(got.includes("te=trailers"), answer!);
  for (const name of ["connection", "content-length"]) {
    assert.equal(
      got.find((pair) => pair.startsWith(`${name}=`)),
      undefined,
    );
  }
  assert.ok(!got.includes("grpc-timeout=1n"), answer!);
});
