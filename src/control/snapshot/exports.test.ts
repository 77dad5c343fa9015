/** Tests of what a Service exports to other namespaces, as views tell it. */
import assert from "node:assert/strict";
import test from "node:test";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import { nodeOf, World } from "./world-suite.ts";

const CASES = [
  { annotation: undefined, to: [] },
  { annotation: "*", to: ["a", "b"] },
  { annotation: "a", to: ["a"] },
  { annotation: "a, b", to: ["a", "b"] },
  { annotation: "", to: [] },
];

for (const { annotation, to } of CASES) {
  test(`export-to ${annotation ?? "absent"} is for ${to.join(", ") || "nobody"}`, (t) => {
    const world = new World();
    const annotations =
      annotation === undefined ? {} : { annotations: { "fairlead.dev/export-to": annotation } };
    world.source.put("Service", {
      metadata: { name: "echo", ...annotations },
      spec: { clusterIP: "127.1.0.1", ports: [{ name: "grpc", port: 50051 }] },
    } as { metadata: object });
    world.settle();
    t.after(() => world.close());
    const view = world.snapshots.viewOf(world.snapshots.viewKeyOf(nodeOf()));
    for (const [type, name] of [
      [RESOURCE_TYPES.LDS, "echo.prod:50051"],
      [RESOURCE_TYPES.RDS, "echo.prod.svc.cluster.local:50051"],
      [RESOURCE_TYPES.CDS, "prod/echo:50051"],
      [RESOURCE_TYPES.EDS, "prod/echo:50051"],
    ] as const) {
      const found = ["a", "b"].filter((one) => view.isExportedTo?.(type, name, one));
      assert.deepEqual(found, to, name);
    }
  });
}
