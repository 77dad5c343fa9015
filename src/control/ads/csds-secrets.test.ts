/** What CSDS never tells, whoever asks: the contents of certificates. */
import assert from "node:assert/strict";
import test from "node:test";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import { ServedAds, statusOf } from "./ads-suite.ts";

test("of a node that is named the contents are told, but never those of a secret", async (t) => {
  const served = await new ServedAds().start();
  t.after(() => served.close());
  served.source.set("EDS", "a", "endpoints");
  served.source.set("SDS", "prod/edge", "PRIVATE KEY");
  const node = served.node(false, { id: "edge-1" });
  node.ask({ type: "EDS", names: ["a"] });
  node.ack(await node.next(), ["a"]);
  node.ask({ type: "SDS", names: ["prod/edge"] });
  node.ack(await node.next(), ["prod/edge"]);

  const { config } = await statusOf(served.client(), "edge-1");
  const told = config[0]!.genericXdsConfigs.map(({ typeUrl, name, versionInfo, xdsConfig }) => [
    ...[typeUrl, name, versionInfo],
    xdsConfig === undefined ? null : Buffer.from(xdsConfig.value).toString(),
  ]);
  assert.deepEqual(told, [
    [RESOURCE_TYPES.EDS, "a", "v-endpoints", "endpoints"],
    [RESOURCE_TYPES.SDS, "prod/edge", "v-PRIVATE KEY", null],
  ]);
});
