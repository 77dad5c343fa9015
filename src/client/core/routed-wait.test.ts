/** Calls of an xDS target that wait for ready, while what their route needs is not there. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
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
import type { GrpcError } from "../plain/public.ts";
import { createChannel } from "../plain/public.ts";

const PATH = "/test.Test/Echo";
const ROUTE = routes("a", [{ ...routeTo("a"), match: { prefix: "/test." } }]);

/** A channel whose server says what it is told to, and a pod that echoes. */
class World {
  readonly said: Record<"LDS" | "RDS" | "CDS" | "EDS", readonly Json[]>;
  readonly #ads: AdsServer;
  readonly #channel: ReturnType<typeof createChannel>;

  private constructor(ads: AdsServer, channel: World["channel"], pod: string) {
    this.#ads = ads;
    this.#channel = channel;
    const [LDS, RDS] = [[apiListener("a")], [ROUTE]];
    this.said = { LDS, RDS, CDS: [cluster("a")], EDS: [endpoints("a", [pod])] };
  }

  static async start(t: TestContext): Promise<World> {
    const echo = unaryMethod(PATH, 100, (message) => Buffer.from(message));
    const system = { clock: realClock(), log: silentLogger };
    const pod = new GrpcServer(
      { addresses: [{ host: "127.0.0.1", port: 0 }], tls: null },
      [echo],
      system,
    );
    const [address] = await pod.listen();
    const ads = await AdsServer.start();
    process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
      xds_servers: [
        {
          server_uri: ads.address,
          channel_creds: [{ type: "insecure" }],
          server_features: ["fail_on_data_errors"], // what is not there is gone at once
        },
      ],
      node: { id: "me" },
    });
    const channel = createChannel("xds:///a");
    t.after(() => {
      channel.close();
      ads.close();
      pod.close();
    });
    return new World(ads, channel, address!);
  }

  get channel(): ReturnType<typeof createChannel> {
    return this.#channel;
  }

  /** How a call ends: what was echoed, or code and details. */
  call(waitForReady: boolean, timeoutMs = 30_000, path = PATH): Promise<string> {
    const method = {
      path,
      encode: (text: string): Uint8Array => Buffer.from(text),
      decode: (bytes: Buffer): string => bytes.toString(),
    };
    const ended = this.#channel.unary(method, "echoed", { timeoutMs, waitForReady });
    return ended.then(
      (text) => text,
      ({ code, details }: GrpcError) => `${code} ${details}`,
    );
  }

  /** Says all of it until it has been asked for, and a call ends as is expected. */
  async until(isIt: (ended: string) => boolean): Promise<string> {
    for (let i = 0; i < 500; i += 1) {
      for (const [type, list] of Object.entries(this.said)) {
        this.#ads.say(sotwBytes(RESOURCE_TYPES[type as "LDS"], list));
      }
      await sleep(10);
      const ended = await this.call(false, 200);
      if (isIt(ended)) return ended;
    }
    throw new Error("it never came to that");
  }
}

const isEchoed = (ended: string): boolean => ended === "echoed";

const CASES = [
  ["a listener", "LDS", [], /^14 LDS a: the xDS server says that it does not exist/],
  ["a cluster", "CDS", [], /^14 cluster a of \S* route 0 does not exist/],
  [
    "routes of the target",
    "RDS",
    [{ ...routes("a", []), virtualHosts: [{ name: "b", domains: ["b"], routes: [] }] }],
    /^14 no route of xds:\/\/\/a matches/,
  ],
] as const;

// They failed at once, although grpc-go and grpc-js-xds let them wait: the channel is in
// TRANSIENT_FAILURE, which is what such calls wait for the end of.
for (const [what, type, without, why] of CASES) {
  test(`calls that wait for ready wait for ${what}`, async (t) => {
    const world = await World.start(t);
    await world.until(isEchoed);
    const all = world.said[type];
    world.said[type] = without;
    await world.until((ended) => why.test(ended));
    const late = await world.call(true, 300);
    const reason = late.replace("4 deadline exceeded before routes came: ", "14 ");
    assert.match(reason, why, late);
    let ended: string | null = null;
    const waiting = world.call(true).then((how) => {
      ended = how;
    });
    await sleep(100);
    assert.equal(ended, null);
    world.said[type] = all;
    await world.until(isEchoed);
    await waiting;
    assert.equal(ended, "echoed");
  });
}

test("what routes say of a call holds for one that waits for ready, too", async (t) => {
  const world = await World.start(t);
  await world.until(isEchoed);
  const ended = await world.call(true, 30_000, "/other.Service/Method");
  assert.equal(ended, "14 no route of xds:///a matches /other.Service/Method");
});
