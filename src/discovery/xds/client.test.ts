/** The client of xDS servers over real streams: what counts as their being back, and fallback. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { eventually } from "../../../test/kubernetes/wait.ts";
import { AdsServer } from "../../../test/mesh/ads-server.ts";
import { anyOf, sotwBytes } from "../../../test/mesh/json-bytes.ts";
import { endpoints } from "../../../test/mesh/resources.ts";
import { freePort } from "../../../test/peers/processes.ts";
import { realClock, realRng, silentLogger } from "../../base/index.ts";
import { TransportLoop } from "../../transport/index.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  RESOURCE_TYPES,
} from "../../xds/index.ts";
import { bootstrapOf } from "./bootstrap/bootstrap.ts";
import { XdsClient, type XdsProtocol } from "./client.ts";
import { ENDPOINTS_KIND } from "./decode/endpoints.ts";

const TYPE_URL = RESOURCE_TYPES.EDS;

/** A client of servers at these ports, and what its watchers heard. */
class World {
  readonly heard: string[] = [];
  readonly client: XdsClient;

  constructor(t: TestContext, ports: readonly number[], protocol: XdsProtocol) {
    const channel_creds = [{ type: "insecure" }];
    const xds_servers = ports.map((port) => ({ server_uri: `127.0.0.1:${port}`, channel_creds }));
    const clock = realClock();
    const system = { clock, rng: realRng(), log: silentLogger, loop: new TransportLoop(clock) };
    const bootstrap = bootstrapOf({ xds_servers, node: { id: "me" } }, "t");
    this.client = new XdsClient(bootstrap, { ...system, version: "1", isUnref: true }, protocol);
    t.after(() => this.client.close());
  }

  watch(name: string): void {
    this.client.watch(ENDPOINTS_KIND, name, {
      onResource: ({ localities }) =>
        this.heard.push(`${name} ${localities.flatMap((each) => each.endpoints).length}`),
      onAbsent: (reason) => this.heard.push(`no ${name}: ${reason}`),
      onTrouble: (reason) => this.heard.push(`${name}? ${reason}`),
    });
  }

  async until(what: string): Promise<void> {
    await eventually(what, () => this.heard.includes(what));
    this.heard.length = 0;
  }
}

async function serve(t: TestContext, port: number, isDelta = false): Promise<AdsServer> {
  const server = await AdsServer.start({ port, isDelta });
  t.after(() => server.close());
  return server;
}

// A server that came back with nothing but what had to be refused was told as the end of the
// trouble: "the source of endpoints is back", while the endpoints stayed those of long ago.
test("a server is back when something can be done with its answer, not before", async (t) => {
  const port = await freePort();
  const good = sotwBytes(TYPE_URL, [endpoints("a", ["127.0.0.1:1"])]);
  const first = await serve(t, port);
  const world = new World(t, [port], "sotw");
  world.watch("a");
  await eventually("a request", () => first.asked.length > 0);
  first.say(good);
  await world.until("a 1");
  first.close();
  await eventually("the trouble", () => world.client.trouble !== null);
  assert.match(world.client.trouble!, /connection refused$/);

  const second = await serve(t, port);
  await eventually("it is asked again", () => second.asked.length > 0);
  const junk = { typeUrl: TYPE_URL, value: Buffer.from("junk") };
  const bad = { typeUrl: TYPE_URL, versionInfo: "2", nonce: "n2", resources: [junk] };
  second.say(toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, bad)));
  await eventually("a NACK", () => second.asked.length > 1);
  const server = `xDS server 127.0.0.1:${port}: its answer`;
  assert.equal(
    world.client.trouble,
    `${server} is refused: EDS resource 0: is no message of its type`,
  );
  second.say(sotwBytes(TYPE_URL, []));
  await eventually("an ACK", () => second.asked.length > 2);
  assert.equal(world.client.trouble, `${server} has nothing of what is asked for`);
  assert.ok(!world.heard.includes("a? null"), "nobody is told that all is well");
  second.say(good);
  await world.until("a? null");
  assert.equal(world.client.trouble, null);
});

/** What a request of a stream of differences says to have; null when it acknowledges. */
function claimed(bytes: Uint8Array): Readonly<Record<string, string>> | null {
  const request = fromBinary(DeltaDiscoveryRequestSchema, bytes);
  return request.responseNonce === "" ? request.initialResourceVersions : null;
}

function answer(versions: Readonly<Record<string, string>>): Uint8Array {
  const resources = Object.entries(versions).map(([name, version]) => {
    const resource = create(AnySchema, anyOf(endpoints(name, ["127.0.0.1:1"])));
    return { name, version, resource };
  });
  const message = { typeUrl: TYPE_URL, nonce: "n", resources };
  return toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, message));
}

// Versions are opaque, and two servers may give different contents the same one: told of another
// server's, a server would leave out what it takes us to have.
test("by difference, a server is told versions of its own, and none beside a fallback", async (t) => {
  const ports = [await freePort(), await freePort()] as const;
  let primary = await serve(t, ports[0], true);
  const fallback = await serve(t, ports[1], true);
  const world = new World(t, ports, "delta");
  const asked = async (server: AdsServer) => {
    await eventually("a request", () => server.asked.length > 0);
    return claimed(server.asked[0]!);
  };
  world.watch("a");
  assert.deepEqual(await asked(primary), {});
  primary.say(answer({ a: "7" }));
  await world.until("a 1");

  primary.close();
  await eventually("the trouble", () => world.client.trouble !== null);
  world.watch("b");
  assert.deepEqual(await asked(fallback), {}, "the first server's version of a");
  fallback.say(answer({ b: "8" }));
  await world.until("b 1");

  primary = await serve(t, ports[0], true);
  assert.deepEqual(await asked(primary), {}, "the fallback may have more to say of a at any time");
  primary.say(answer({ a: "9" }));
  await eventually("the fallback is left", () => fallback.calls.size === 0);

  primary.close();
  primary = await serve(t, ports[0], true);
  assert.deepEqual(await asked(primary), { a: "9" }, "and not the fallback's version of b");
});
