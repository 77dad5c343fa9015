/** Tests of what is said of names that lead nowhere. */
import assert from "node:assert/strict";
import test from "node:test";
import { RESOURCE_TYPES } from "../../xds/index.ts";
import { nodeOf, World } from "./world-suite.ts";

const CASES: readonly (readonly [name: string, reason: string | null])[] = [
  ["echo.prod:50051", null],
  ["echo.prod", null],
  ["nobody.prod:50051", "no such Service: prod/nobody"],
  ["echo.prod:80", "Service prod/echo has no port 80; its gRPC ports: 50051"],
  [
    "web.prod:80",
    "Service prod/web has no gRPC port 80 (http: no appProtocol, not named grpc or grpc-...)",
  ],
  ["web.prod", "Service prod/web has no gRPC port"],
  ["dns.prod:53", "Service prod/dns has no gRPC port 53 (UDP)"],
  ["name.prod:1", "Service prod/name is of type ExternalName"],
  ["echo:50051", "no namespace in it: targets are SERVICE.NAMESPACE:PORT"],
  ["ECHO/x", "no target of the form SERVICE.NAMESPACE:PORT"],
  [
    "echo.prod.example:50051",
    "Service prod/echo is not known by that name: targets are SERVICE.NAMESPACE:PORT",
  ],
];

test("why a gRPC client's name leads nowhere", (t) => {
  const world = new World().service("echo");
  t.after(() => world.close());
  const put = (name: string, spec: object): void => {
    world.source.put("Service", { metadata: { name }, spec } as { metadata: object });
  };
  put("web", { clusterIP: "127.1.0.2", ports: [{ name: "http", port: 80 }] });
  put("dns", { clusterIP: "127.1.0.3", ports: [{ port: 53, protocol: "UDP" }] });
  put("name", { type: "ExternalName", externalName: "x.example" });
  world.settle();
  const view = world.snapshots.viewOf(world.snapshots.viewKeyOf(nodeOf({ namespace: "" })));
  for (const [name, reason] of CASES) {
    assert.equal(view.absenceOf!(RESOURCE_TYPES.LDS, name), reason, name);
  }
  assert.equal(view.absenceOf!(RESOURCE_TYPES.CDS, "prod/nobody:1"), null);
});

test("a Gateway that there is not", (t) => {
  const world = new World().settle();
  t.after(() => world.close());
  const node = nodeOf({ kind: "gateway", gateway: "prod/nope" });
  const view = world.snapshots.viewOf(world.snapshots.viewKeyOf(node));
  const reason = "no Gateway prod/nope";
  assert.equal(view.absenceOf!(RESOURCE_TYPES.LDS, "*"), reason);
});

// The client waited for its target, and proxy-status said that everything was SYNCED.
test("a gRPC client that calls itself a sidecar is told why it finds no target", (t) => {
  const world = new World().service("echo").settle();
  t.after(() => world.close());
  const why = (node: Parameters<typeof nodeOf>[0], name: string): string | null => {
    const view = world.snapshots.viewOf(world.snapshots.viewKeyOf(nodeOf(node)));
    return view.absenceOf!(RESOURCE_TYPES.LDS, name);
  };
  const reason = why({ kind: "sidecar" }, "echo.prod:50051");
  assert.match(reason ?? "", /^it is told what is for sidecars.*fairlead\.kind/);
  assert.equal(why({ kind: "sidecar" }, "*"), null);
  assert.equal(why({ kind: "sidecar", agent: "envoy" }, "echo.prod:50051"), null);
});
