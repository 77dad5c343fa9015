/** Calls are hashed by the header of their route, each route by its own (A42). */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clusterSpec,
  forward,
  listenerOf,
  type MeshHarness,
  route,
  tableOf,
  withMesh,
} from "../../../test/support/mesh-proxy.ts";
import {
  eventually,
  grpcRequest,
  type Pairs,
  type RawConnection,
} from "../../../test/support/raw-http2.ts";

const PODS = 4;

/** Calls of a client, each answered; by which pods, in order. */
async function podsOf(
  client: RawConnection,
  pods: readonly RawConnection[],
  path: string,
  headersOf: (i: number) => Pairs,
): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < 24; i += 1) {
    const call = client.request(grpcRequest(path, headersOf(i)));
    await eventually("a pod has it", () => pods.some(({ freshCount }) => freshCount > 0));
    const at = pods.findIndex(({ freshCount }) => freshCount > 0);
    const stream = await pods[at]!.nextStream();
    pods[at]!.respond(stream.id);
    await eventually("the answer", () => call.isEnded);
    found.push(at);
  }
  return found;
}

/** A cluster "c" of pods by maglev, and routes to it. */
async function hashing(harness: MeshHarness): Promise<RawConnection[]> {
  const servers = await Promise.all(Array.from({ length: PODS }, () => harness.server()));
  const target = `static:///${servers.map(({ address }) => address).join(",")}`;
  const parameters = { requestHashHeader: "x-config" };
  const serviceConfig = { json: { loadBalancingConfig: [{ maglev: parameters }] } };
  const routes = [
    route("/a.A/", forward({ c: 1 }, { hashHeader: "x-user" })),
    route("/b.B/", forward({ c: 1 }, { hashHeader: "x-tenant" })),
    route("/c.C/", forward({ c: 1 })),
  ];
  const spec = clusterSpec("c", target, { serviceConfig });
  await harness.say([listenerOf("front", tableOf(routes))], [spec]);
  await harness.untilReady("c", PODS);
  // The table of maglev is made piece by piece, between turns.
  await harness.pass(1_000);
  return Promise.all(servers.map((server) => server.next()));
}

test("maglev: each route hashes by its own header, one without by the policy's", async () => {
  await withMesh(async (harness) => {
    const pods = await hashing(harness);
    const client = await harness.client("front");
    const mixed =
      (equal: string) =>
      (i: number): Pairs =>
        ["x-user", "x-tenant", "x-config"].map((name) => [name, name === equal ? "k" : `k${i}`]);
    const cases = [
      ["/a.A/Do", "x-user"],
      ["/b.B/Do", "x-tenant"],
      ["/c.C/Do", "x-config"],
    ] as const;
    for (const [path, header] of cases) {
      const own = new Set(await podsOf(client, pods, path, mixed(header)));
      assert.equal(own.size, 1, `${path} goes by ${header}`);
      const others = cases.map(([, name]) => name).filter((name) => name !== header);
      for (const other of others) {
        const spread = new Set(await podsOf(client, pods, path, mixed(other)));
        assert.ok(spread.size > 1, `${path} does not go by ${other}`);
      }
    }
  });
});
