/**
 * Scenarios of gRPC's doc/xds-test-descriptions.md, as a table: what a GRPCRoute of a Service says,
 * and what stock grpc-go and C-core do then.
 */
import assert from "node:assert/strict";
import { eventually } from "../kubernetes/wait.ts";
import { goesTo, runScenarios, type Scenario, type Stage } from "./scenario.ts";
import { type EndedCall, failuresOf, peersOf } from "./xds-client.ts";

/**
 * grpc-go has the new cluster and its endpoints when it takes up a route; but calls see the route
 * before the picker that knows the cluster: `updateResolverStateAndUnlock` of its clientconn.go
 * (1.85, line 847) sets the config selector, and only then (line 864) updates the balancer. Such a
 * call fails by its cluster manager's picker.go:50, whatever a control plane sends in what order.
 *
 * @param cluster "" for clients that have no such race.
 */
function isRaceOfGrpcGo({ code, message }: EndedCall, cluster: string): boolean {
  const text = `unknown cluster selected for RPC: "${cluster}"`;
  return cluster !== "" && code === 14 && message === text;
}

/** A second unary method. */
const STATS = "/echo.Echo/Stats";

/** Pods of two Services, and a route of the first one that leads to the second what it matches. */
async function twoVersions({ objects, service, pods, ip, peer, other }: Stage) {
  objects.service(service);
  await pods.add(ip(1));
  const fresh = await other("v2");
  await fresh.add(ip(2));
  const backend = (name: string) => [{ name, port: 50051 }];
  const route = (matches: readonly object[]): void => {
    objects.route(service, { kind: "Service", name: service }, [
      { matches, backendRefs: backend(`${service}-v2`) },
      { backendRefs: backend(service) },
    ]);
  };
  return { canary: `${ip(2)}:${fresh.port}`, default: peer(1), route };
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "change_backend_service: a route leads to another Service, and nothing fails",
    async run(stage) {
      const { canary, default: rest } = await twoVersions(stage);
      const { language, objects, service } = stage;
      const caller = await stage.client();
      await goesTo(caller, [rest]);
      const from = caller.calls.length;
      const parent = { kind: "Service", name: service } as const;
      objects.route(service, parent, [{ backendRefs: [{ name: `${service}-v2`, port: 50051 }] }]);
      await goesTo(caller, [canary]);
      const failures = failuresOf(caller.calls.slice(from));
      const own = language.name === "grpc-go" ? `cluster:prod/${service}-v2:50051` : "";
      assert.deepEqual(
        failures.filter((call) => !isRaceOfGrpcGo(call, own)),
        [],
      );
    },
  },
  {
    name: "traffic_splitting: weights are shares of calls",
    async run(stage) {
      const { canary, default: rest } = await twoVersions(stage);
      const { objects, service } = stage;
      const caller = await stage.client();
      await goesTo(caller, [rest]);
      const parent = { kind: "Service", name: service } as const;
      const backendRefs = [
        { name: service, port: 50051, weight: 20 },
        { name: `${service}-v2`, port: 50051, weight: 80 },
      ];
      objects.route(service, parent, [{ backendRefs }]);
      await goesTo(caller, [rest, canary]);
      const share = (peersOf(await caller.next(500)).get(rest) ?? 0) / 500;
      // Five standard deviations of a choice at random.
      assert.ok(Math.abs(share - 0.2) < 0.09, `${share} of 500`);
    },
  },
  {
    name: "path_matching: a method goes where its rule says, and others elsewhere",
    async run(stage) {
      const { canary, default: rest, route } = await twoVersions(stage);
      const clients = [await stage.client(), await stage.client("-method", STATS)];
      const of = (service: string, method?: string, type = "Exact") => [
        { method: { type, service, ...(method !== undefined && { method }) } },
      ];
      const rows: readonly (readonly [object[], say: boolean, stats: boolean])[] = [
        [of("echo.Echo", "Say"), true, false],
        [of("echo.Echo", "Stats"), false, true],
        [of("echo.Echo"), true, true],
        [of("echo.Other"), false, false],
        [of("echo[.].*", "S.y", "RegularExpression"), true, false],
        [of(".*", "Stats|Chat", "RegularExpression"), false, true],
        [[...of("echo.Echo", "Say"), ...of("echo.Echo", "Stats")], true, true],
      ];
      for (const [matches, ...isCanary] of rows) {
        route(matches);
        for (const [i, client] of clients.entries()) {
          await goesTo(client, [isCanary[i] ? canary : rest]);
        }
      }
    },
  },
  {
    name: "header_matching: a call goes where the rule of its header says",
    async run(stage) {
      const { canary, default: rest, route } = await twoVersions(stage);
      const clients = [
        await stage.client("-headers", "x-md=empty_ytpme"),
        await stage.client("-headers", "x-md=unary_yranu,x-number=159"),
      ];
      const of = (name: string, value: string, type = "RegularExpression") => ({
        headers: [{ name, value, type }],
      });
      // GRPCRoute has exact values and expressions; by these it has prefixes and ranges.
      const rows: readonly (readonly [object[], empty: boolean, unary: boolean])[] = [
        [[of("x-md", "empty_ytpme", "Exact")], true, false],
        [[of("x-md", "un.*")], false, true],
        [[of("x-md", ".*me")], true, false],
        [[of("x-number", ".*")], false, true],
        [[of("x-number", "1[0-9]{2}|200")], false, true],
        [[of("x-md", "em.*me")], true, false],
        [[of("x-md", "em")], false, false],
        [[of("x-md", "un.*"), of("x-md", "em.*")], true, true],
        [
          [{ headers: [...of("x-md", "un.*").headers, ...of("x-number", "7").headers] }],
          false,
          false,
        ],
      ];
      for (const [matches, ...isCanary] of rows) {
        route(matches);
        for (const [i, client] of clients.entries()) {
          await goesTo(client, [isCanary[i] ? canary : rest]);
        }
      }
    },
  },
  {
    name: "timeout: of a route, of a call, and of another route",
    async run({ objects, service, pods, ip, client, caller }) {
      // Long, because C-core 1.85 begins to count up to two seconds before the call.
      const limit = (method: string): void => {
        const name = [{ service: "echo.Echo", method }];
        objects.service(service, { config: { methodConfig: [{ name, timeout: "3s" }] } });
      };
      limit("Say");
      await pods.add(ip(1));
      // CANCELLED is C-core's word where the server, which knows the time too, was first.
      const isLate = ({ code, ms }: EndedCall) => [1, 4].includes(code) && ms < 4_000;
      const slow = (timeout: string, sleepMs: number) =>
        caller("-interval", "50ms", "-timeout", timeout, "-headers", `x-sleep-ms=${sleepMs}`);
      const [own, route] = [slow("200ms", 400), slow("20s", 4_500)];
      const quick = await client("-timeout", "20s");
      const inTime = (calls: readonly EndedCall[]) => calls.filter((call) => !isLate(call));
      assert.deepEqual(inTime((await own.next(20)).slice(10)), [], "app_timeout_exceeded");
      assert.deepEqual(inTime(await route.next(20)), [], "timeout_exceeded");
      await quick.next(20);
      assert.deepEqual(failuresOf(quick.calls), [], "timeout_not_exceeded");
      limit("Stats");
      await eventually("timeout_different_route", async () => {
        return failuresOf(await route.next(20)).length === 0;
      });
    },
  },
  {
    name: "a route to a Service that does not exist: its calls fail, until it is gone",
    async run({ objects, service, pods, ip, peer, client }) {
      objects.service(service);
      await pods.add(ip(1));
      const caller = await client();
      await goesTo(caller, [peer(1)]);
      const parent = { kind: "Service", name: service } as const;
      objects.route(service, parent, [{ backendRefs: [{ name: "nobody", port: 1 }] }]);
      await eventually("calls that are refused", async () => {
        const calls = await caller.next(20);
        return calls.every(({ code, ms }) => code === 14 && ms < 2000);
      });
      objects.remove("GRPCRoute", service);
      await goesTo(caller, [peer(1)]);
    },
  },
];

runScenarios(SCENARIOS, 52);
