/**
 * Stock gRPC programs that refuse what a discovery service tells them (NACK): what they had stays
 * in force, what else changes is taken up, and the refusal is known with its words until it is made
 * good. The resources are a test's own, for `fairlead control` makes none that all of them refuse.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ServedAds } from "../../src/control/ads/ads-suite.ts";
import { eventually } from "../kubernetes/wait.ts";
import { bytesOf } from "../mesh/json-bytes.ts";
import { apiListener, cluster, endpoints, routes, routeTo } from "../mesh/resources.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort } from "../peers/processes.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";
import { failuresOf, LANGUAGES, peersOf, XdsClient } from "./xds-client.ts";

const NAME = "echo.prod:50051";
const GOOD = [routeTo("one")];
/**
 * Weights that are 0 together (A28). (An expression that is none will not do: grpc-js-xds
 * 1.14 ends its whole process by it.)
 */
const BAD = [
  {
    match: { prefix: "/other.Service/" },
    route: { weightedClusters: { clusters: [{ name: "one", weight: 0 }] } },
  },
  ...GOOD,
];

const objects = new ObjectsDirectory();
after(() => objects.close());

for (const [i, language] of LANGUAGES.entries()) {
  test(`${language.name} refuses routes, keeps what it had, and hears of all else`, async (t) => {
    const echo = requirePeer(t, "echo-server");
    const command = language.command(t);
    if (echo === null || command === null) return;
    const pods = new Pods(echo, objects, "echo", await freePort());
    const [first, second] = [1, 2].map((pod) => `127.0.${63 + i}.${pod}`) as [string, string];
    await Promise.all([pods.start(first), pods.start(second)]);
    const served = await new ServedAds().start();
    const { source } = served;
    const routeBy = (list: typeof BAD | typeof GOOD): void => {
      source.set("RDS", NAME, bytesOf(routes(NAME, list)));
      source.publish();
    };
    const leadTo = (ip: string): void => {
      source.set("EDS", "one", bytesOf(endpoints("one", [`${ip}:${pods.port}`])));
      source.publish();
    };
    source.set("LDS", NAME, bytesOf(apiListener(NAME)));
    source.set("CDS", "one", bytesOf(cluster("one")));
    leadTo(first);
    routeBy(GOOD);
    const args = ["-timeout", "20s"];
    const client = new XdsClient(command, objects.path, served.address, `xds:///${NAME}`, { args });
    t.after(async () => {
      await client.stop();
      served.close();
      await pods.close();
    });
    await client.ready();
    const row = () => served.ads.nodes().nodes[0]!.types.RDS!;
    await eventually("an acknowledgement", () => row().state === "SYNCED");
    const { version } = row();

    routeBy(BAD);
    await eventually("a refusal", () => row().state === "NACKED");
    assert.match(row().error, /weight/i);
    assert.deepEqual([row().version, row().nacks], [version, 1]);
    leadTo(second);
    const name = `${second}:${pods.port}`;
    await eventually("the other pod", async () => {
      return [...peersOf(await client.next(10)).keys()].join() === name;
    });
    routeBy([...GOOD, ...GOOD]);
    await eventually("that it is made good", () => row().state === "SYNCED" && row().error === "");
    assert.notEqual(row().version, version);
    await client.next(20);
    assert.deepEqual(failuresOf(client.calls), []);
  });
}
