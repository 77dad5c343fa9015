/** What is logged of configurations, and of what is wrong with them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { listenerOf, tableOf } from "../../test/support/mesh-proxy.ts";
import { RecordingLogger } from "../base/index.ts";
import { ConfigurationLog } from "./configuration-log.ts";

const SOME = { listeners: [listenerOf("front", tableOf([]))], clusters: new Map() };
const NONE = { listeners: [], clusters: new Map() };

function setup() {
  const logger = new RecordingLogger();
  const log = new ConfigurationLog(logger, "Gateway prod/edge");
  const said = () => logger.entries.splice(0).map(({ msg, fields }) => `${msg} | ${fields.reason}`);
  return { log, said };
}

// A file of objects that is broken is told to each of the six watches of a Gateway.
test("what is wrong is told once, however many watches tell it, and again after a mend", () => {
  const { log, said } = setup();
  log.onConfig(SOME);
  for (let i = 0; i < 6; i += 1) log.onError("edge.yaml: it is broken");
  assert.deepEqual(said(), ["configuration: the last good one stays | edge.yaml: it is broken"]);
  log.onError("edge.yaml: it is broken, elsewhere");
  assert.equal(said().length, 1);
  log.onConfig(SOME);
  log.onError("edge.yaml: it is broken, elsewhere");
  assert.equal(said().length, 1);
});

// The only listener's certificate was deleted, and that a good configuration stays was a lie.
test("a good one stays when there was one and it serves something", () => {
  const { log, said } = setup();
  log.onError("away");
  assert.deepEqual(said(), ["no configuration yet | away"]);
  log.onConfig(SOME);
  log.onError("away");
  assert.deepEqual(said(), ["configuration: the last good one stays | away"]);
  log.onConfig(NONE);
  log.tell(NONE);
  log.onError("Secret prod/edge-tls does not exist");
  assert.deepEqual(said(), [
    "configuration without a listener: nothing is served | undefined",
    "nothing is served | Secret prod/edge-tls does not exist",
  ]);
});
