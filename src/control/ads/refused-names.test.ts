/** Names that a node may not have: how many of them are told, and for how long they are shown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { RecordingLogger, VirtualClock } from "../../base/index.ts";
import type { ServerCall } from "../../server/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { DeltaDiscoveryRequestSchema, RESOURCE_TYPES } from "../../xds/index.ts";
import { WrittenSource } from "./ads-suite.ts";
import { REFUSED_TOLD_MAX } from "./limits.ts";
import { AdsService } from "./service.ts";

const COUNT = 500;
const NAMES = Array.from({ length: COUNT }, (_, i) => `dev/${i}`);

/** A service where certificates decide, and one node of namespace `prod`. */
function world() {
  const [clock, log, source] = [new VirtualClock(), new RecordingLogger(), new WrittenSource()];
  const system = { clock, log, registry: new Registry() };
  const service = new AdsService({ ...system, source, isAuthorized: true });
  for (const name of NAMES) source.set("EDS", name, "x");
  const call = {
    ...{ remote: "127.0.0.1:1", connection: {}, peerNames: ["URI:spiffe://t/ns/prod/sa/web"] },
    ...{ queuedBytes: 0, unreadBytes: 0, send: () => {}, end: assert.fail },
  };
  const events = service.methods()[1]!.open(call as unknown as ServerCall);
  const ask = (subscribe: readonly string[], unsubscribe: readonly string[] = []) => {
    const request = create(DeltaDiscoveryRequestSchema, {
      ...{ node: { id: "n" }, typeUrl: RESOURCE_TYPES.EDS },
      resourceNamesSubscribe: [...subscribe],
      resourceNamesUnsubscribe: [...unsubscribe],
    });
    events.onMessage(toBinary(DeltaDiscoveryRequestSchema, request));
    clock.advance(20_000);
  };
  const told = () => log.lines.filter((line) => line === "warn: resource refused").length;
  const problems = () => service.nodes().nodes[0]!.types.EDS!.problems;
  const end = () => {
    events.onClosed();
    service.close();
  };
  return { clock, source, ask, told, problems, end };
}

test("a node that asks for much that it may not have does not fill the log", () => {
  const { ask, told, problems, end } = world();
  ask(NAMES);
  assert.equal(told(), REFUSED_TOLD_MAX);
  ask([], NAMES);
  ask(NAMES);
  assert.equal(told(), REFUSED_TOLD_MAX, "nor when it gives them up and asks again");
  assert.equal(problems().at(-1), `and ${COUNT - 20} more`);
  end();
});

test("what is given up, or exported meanwhile, is shown as refused no more", () => {
  const { clock, source, ask, problems, end } = world();
  const why = "not exported to the namespaces of its certificate";
  ask(["dev/1", "dev/2", "dev/3"]);
  assert.deepEqual(problems(), [`dev/1: ${why}`, `dev/2: ${why}`, `dev/3: ${why}`]);
  ask([], ["dev/1"]);
  assert.deepEqual(problems(), [`dev/2: ${why}`, `dev/3: ${why}`]);
  source.exports.set("dev/2", ["prod"]);
  source.set("EDS", "dev/2", "y");
  source.publish();
  clock.advance(1_000);
  assert.deepEqual(problems(), [`dev/3: ${why}`]);
  end();
});
