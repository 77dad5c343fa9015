/** What `GET /nodes` says of what nodes cannot do or have, and what a look costs. */
import assert from "node:assert/strict";
import test from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { silentLogger, VirtualClock } from "../../base/index.ts";
import { HeaderList } from "../../http2/index.ts";
import type { ServerCall, ServerCallEvents } from "../../server/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { DiscoveryRequestSchema, RESOURCE_TYPES } from "../../xds/index.ts";
import type { View } from "../resources.ts";
import { WrittenSource } from "./ads-suite.ts";
import { SUBSCRIBED_NAMES_MAX } from "./limits.ts";
import { AdsService } from "./service.ts";

const typeUrl = RESOURCE_TYPES.LDS;
const SHOWN = 20;

/** Says of names why they lead nowhere, and counts how often it was asked. */
class ExplainedSource extends WrittenSource {
  asked = 0;

  override viewOf(): View {
    const view = super.viewOf();
    const absenceOf: View["absenceOf"] = (type, name) => {
      this.asked += 1;
      return name === "*" || view.get(type, name) !== null ? null : "not there";
    };
    return { ...view, absenceOf };
  }
}

function setup(isAuthorized = false) {
  const clock = new VirtualClock();
  const source = new ExplainedSource();
  const system = { clock, log: silentLogger, registry: new Registry() };
  const service = new AdsService({ ...system, source, isAuthorized });
  let nonces = 0;
  const call = {
    ...{ remote: "127.0.0.1:1", connection: {}, headers: new HeaderList() },
    ...{ queuedBytes: 0, unreadBytes: 0, peerNames: ["DNS:client.prod.svc"] },
    send: () => {
      nonces += 1;
    },
    end: (_status: unknown, message?: string) => assert.fail(message),
  };
  const events: ServerCallEvents = service.methods()[0]!.open(call as unknown as ServerCall);
  const ask = (resourceNames: readonly string[]): void => {
    const fields = { node: { id: "n" }, typeUrl, resourceNames: [...resourceNames] };
    const responseNonce = nonces === 0 ? "" : String(nonces);
    const request = create(DiscoveryRequestSchema, { ...fields, responseNonce });
    events.onMessage(toBinary(DiscoveryRequestSchema, request));
  };
  const problems = () => service.nodes().nodes[0]!.types.LDS!.problems;
  return { clock, source, ask, problems };
}

test("of any number of names that lead nowhere some are explained, and the others counted", () => {
  const { source, ask, problems } = setup();
  source.set("LDS", "there", "1");
  ask(["there", ...Array.from({ length: SUBSCRIBED_NAMES_MAX - 1 }, (_, i) => `none-${i}`)]);
  source.asked = 0;
  const lines = problems();
  assert.ok(source.asked <= SHOWN, `${source.asked} names were looked up`);
  assert.equal(lines.length, SHOWN + 1);
  assert.deepEqual(lines.slice(0, 2), ["none-0: not there", "none-1: not there"]);
  assert.equal(lines.at(-1), `and ${SUBSCRIBED_NAMES_MAX - 1 - SHOWN} more`);
});

test("what is refused, or is to be looked at yet, is not counted as leading nowhere", () => {
  const { clock, source, ask, problems } = setup(true);
  source.set("LDS", "dev/echo", "1");
  source.set("LDS", "prod/echo", "1");
  source.publish();
  clock.advance(1_000);
  const absent = Array.from({ length: SHOWN + 5 }, (_, i) => `none-${i}`);
  ask(["prod/echo", ...absent, "dev/echo"]);
  assert.equal(problems()[0], "dev/echo: not exported to the namespaces of its certificate");
  assert.deepEqual(problems().slice(SHOWN), ["and 6 more"]);
  // It has not acknowledged: what comes now waits for that.
  source.set("LDS", `none-${SHOWN + 2}`, "1");
  source.publish();
  clock.advance(1_000);
  assert.deepEqual(problems().slice(SHOWN), ["and 5 more"]);
});

test("names of which all is told, and one that comes", () => {
  const { clock, source, ask, problems } = setup();
  ask(["a", "b", "late"]);
  assert.deepEqual(problems(), ["a: not there", "b: not there", "late: not there"]);
  source.set("LDS", "late", "1");
  source.publish();
  clock.advance(1_000);
  assert.deepEqual(problems(), ["a: not there", "b: not there"]);
  ask(["late", "b"]);
  assert.deepEqual(problems(), ["b: not there"]);
});

test("what resources cannot do is counted as they come and go", () => {
  const { clock, source, ask, problems } = setup();
  const names = Array.from({ length: 15 }, (_, i) => `l${i}`);
  const publish = (name: string, own: readonly string[]): void => {
    source.set("LDS", name, `${own.length}`);
    Object.assign(source.written(typeUrl, name)!, { problems: own });
    source.publish();
    clock.advance(1_000);
  };
  for (const name of names) publish(name, ["x: no", "y: no"]);
  ask([...names, "none"]);
  assert.deepEqual(problems().slice(0, 3), ["none: not there", "l0: x: no", "l0: y: no"]);
  assert.deepEqual(problems().slice(SHOWN), ["and 11 more"]);
  ask([...names]);
  publish("l0", []);
  ask([...names]);
  publish("l1", ["z: no"]);
  assert.deepEqual(problems().slice(SHOWN), ["and 7 more"]);
  ask(["l0", "l1"]);
  assert.deepEqual(problems(), ["l1: z: no"]);
});
