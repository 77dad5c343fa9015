/** Tests of outlier detection in a cluster: what counts, what is shown, and when all return. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ClusterHarness, settle, withCluster } from "../../test/support/cluster.ts";
import { Pods } from "../../test/support/pods.ts";
import { Status } from "../grpc/index.ts";
import { outcomeOf } from "./outcome.ts";
import { parseServiceConfig } from "./service-config.ts";

const ERRORS = { consecutiveErrors: { threshold: 3 } };

function configOf(detection: object, more: object = {}) {
  const policy = { outlier_detection: { ...detection, childPolicy: [{ round_robin: {} }] } };
  return parseServiceConfig({ loadBalancingConfig: [policy], ...more });
}

/** A cluster with detection over so many pods, all of them ready. */
async function detecting(
  detection: object,
  count: number,
  body: (pods: Pods, harness: ClusterHarness) => Promise<void>,
  more: object = {},
): Promise<void> {
  await withCluster({ config: { serviceConfig: configOf(detection, more) } }, async (harness) => {
    const pods = new Pods(harness);
    await pods.start(count);
    harness.resolve(...pods.servers);
    await harness.untilReady(count);
    await body(pods, harness);
  });
}

const ENFORCED = "grpc_lb_outlier_detection_ejections_enforced_total";
const UNENFORCED = "grpc_lb_outlier_detection_ejections_unenforced_total";

test("a pod that errs in a row is ejected at once, shown as such, and returns in time", async () => {
  await detecting(ERRORS, 4, async (pods, harness) => {
    pods.statuses[1] = String(Status.UNAVAILABLE);
    assert.deepEqual(await pods.calls(12), [3, 3, 3, 3]);
    assert.equal(pods.state(1), "EJECTED");
    const { reason, usable } = harness.view(pods.servers[1]!);
    assert.equal(usable, false);
    assert.equal(reason, "3 errors in a row; returns in 30.0 s");
    assert.deepEqual(pods.steps(1).slice(1), [
      "connection is ready: yes, 1",
      "outlier_detection: ejected: 3 errors in a row; returns in 30.0 s",
    ]);
    assert.equal(harness.metric(ENFORCED), 1);
    assert.equal(harness.metric("fairlead_lb_endpoints", { state: "ejected" }), 1);
    assert.deepEqual(await pods.calls(12), [4, 0, 4, 4]);
    await harness.pass(29_000);
    assert.deepEqual([pods.state(1), (await pods.calls(4))[1]], ["EJECTED", 0]);
    await harness.pass(1_000);
    assert.equal(pods.state(1), "READY");
    assert.equal((await pods.calls(4))[1], 1);
    const told = harness.log.entries.map(({ msg }) => msg);
    assert.ok(told.includes("endpoint ejected") && told.includes("endpoint ready again"));
  });
});

test("A50: success rate is judged at each interval", async () => {
  const detection = { successRateEjection: { requestVolume: 10 } };
  await detecting(detection, 6, async (pods, harness) => {
    pods.statuses[2] = String(Status.NOT_FOUND);
    await pods.calls(60);
    assert.equal(pods.state(2), "READY", "not before the interval is over");
    await harness.pass(10_000);
    assert.equal(pods.state(2), "EJECTED");
    assert.match(harness.view(pods.servers[2]!).reason, /^0\.0 % of 10 calls went well, below /);
  });
});

test("A50: no more than max_ejection_percent, and what is over it is counted", async () => {
  await detecting(ERRORS, 6, async (pods, harness) => {
    pods.statuses.fill(String(Status.INTERNAL), 0, 3);
    await pods.calls(18);
    assert.equal(harness.states("EJECTED").length, 1);
    assert.equal(harness.metric(ENFORCED), 1);
    const overflow = { grpc_lb_outlier_detection_unenforced_reason: "max_ejection_overflow" };
    assert.equal(harness.metric(UNENFORCED, overflow), 2);
  });
});

test("calls that callers cancel, and streams that are refused, are no errors", async () => {
  await detecting(ERRORS, 2, async (pods, harness) => {
    for (let i = 0; i < 8; i += 1) {
      const probe = harness.call();
      await settle();
      probe.call!.cancel(8);
    }
    const [refusing] = pods.servers[0]!.connections;
    let refused = 0;
    for (let i = 0; i < 8; i += 1) {
      const before = refusing!.streams.size;
      const probe = harness.call();
      await settle();
      const stream = [...refusing!.streams.values()][before];
      if (stream !== undefined) {
        refusing!.reset(stream.id, 7); // REFUSED_STREAM: it is sent again elsewhere
        refused += 1;
      }
      await settle();
      pods.answer(1);
      await probe.over();
    }
    assert.ok(refused > 3, `${refused} were refused`);
    assert.deepEqual(harness.states("EJECTED"), []);
    assert.equal(harness.metric(ENFORCED), 0);
  });
});

test("a config without detection, or without any way of it, takes all back", async () => {
  for (const later of [parseServiceConfig({}), configOf({})]) {
    await detecting(ERRORS, 4, async (pods, harness) => {
      pods.statuses[0] = String(Status.UNKNOWN);
      await pods.calls(12);
      assert.equal(pods.state(0), "EJECTED");
      const timers = harness.clock.pendingCount;
      harness.cluster.reconfigure(later);
      assert.equal(pods.state(0), "READY");
      assert.equal(harness.clock.pendingCount, timers - 1, "its timer does not go on");
    });
  }
});

test("a config that goes on detecting leaves those ejected out", async () => {
  await detecting(ERRORS, 4, async (pods, harness) => {
    pods.statuses[0] = String(Status.UNKNOWN);
    await pods.calls(12);
    harness.cluster.reconfigure(configOf({ ...ERRORS, baseEjectionTime: "40s" }));
    assert.equal(pods.state(0), "EJECTED");
    assert.match(harness.view(pods.servers[0]!).reason, /returns in 40\.0 s$/);
  });
});

test("when pods leave, no more stay ejected than may be", async () => {
  const detection = { ...ERRORS, maxEjectionPercent: 50 };
  await detecting(detection, 4, async (pods, harness) => {
    pods.statuses.fill(String(Status.UNKNOWN), 0, 2);
    await pods.calls(12);
    assert.equal(harness.states("EJECTED").length, 2);
    harness.resolve(...pods.servers.slice(0, 3));
    assert.equal(harness.states("EJECTED").length, 1);
  });
});

test("a pod that takes over an address inherits neither ejection nor errors nor latency", async () => {
  await detecting(ERRORS, 3, async (pods, harness) => {
    const set = (uid: string) => [0, 1, 2].map((i) => pods.endpoint(i, { uid: `${uid}${i}` }));
    harness.resolve(...set("old"));
    await harness.untilReady(3);
    pods.statuses[0] = String(Status.UNKNOWN);
    pods.statuses[1] = String(Status.UNKNOWN);
    await pods.calls(6); // two errors each
    await pods.calls(1);
    assert.equal(harness.states("EJECTED").length, 1);
    harness.resolve(...set("new"));
    await harness.untilReady(3);
    const fresh = harness.states("READY");
    assert.ok(fresh.every(({ calls, latencyMs }) => calls === 0 && latencyMs === null));
    await pods.calls(6);
    assert.deepEqual(harness.states("EJECTED"), [], "two errors in a row, not four");
  });
});

test("when too few are left, those ejected are used all the same", async () => {
  const detection = { ...ERRORS, maxEjectionPercent: 100 };
  await detecting(detection, 4, async (pods, harness) => {
    pods.statuses.fill(String(Status.UNKNOWN), 0, 2);
    await pods.calls(12);
    assert.equal(harness.states("EJECTED").length, 2);
    assert.deepEqual(await pods.calls(4), [0, 0, 2, 2], "50 % are not below 50 %");
    pods.statuses[2] = String(Status.UNKNOWN);
    await pods.calls(8);
    assert.equal(harness.states("EJECTED").length, 3);
    assert.equal(harness.metric("fairlead_lb_panic"), 1);
    assert.ok((await pods.calls(8)).every((count) => count === 2));
    assert.equal(
      pods.steps(0).at(-2),
      "panic threshold: used all the same: only 1 of 4 endpoints are healthy",
    );
    const { notes } = harness.cluster.view();
    assert.deepEqual(notes, ["only 1 of 4 endpoints are healthy: health is ignored"]);
    pods.statuses.fill(String(Status.UNKNOWN));
    await pods.calls(12);
    assert.equal(harness.states("EJECTED").length, 4);
    assert.equal(harness.cluster.connectivity, "READY", "calls go on");
    assert.deepEqual(harness.cluster.readiness().ready, true);
    await harness.pass(31_000);
    assert.deepEqual(harness.states("EJECTED"), []);
    assert.equal(harness.metric("fairlead_lb_panic"), 0);
  });
});

test("with a panic threshold of 0 those ejected stay out", async () => {
  const detection = { ...ERRORS, maxEjectionPercent: 100 };
  const more = { fairlead: { locality: { panicThresholdPercent: 0 } } };
  await detecting(
    detection,
    2,
    async (pods, harness) => {
      pods.statuses.fill(String(Status.UNKNOWN));
      await pods.calls(6);
      assert.equal(harness.states("EJECTED").length, 2);
      assert.equal(harness.cluster.readiness().ready, false);
      const waiting = harness.call();
      await harness.pass(30_000);
      pods.statuses.fill("0");
      await pods.calls(1);
      await waiting.over();
    },
    more,
  );
});

test("what a status counts as", () => {
  const outcomes = Object.entries(Status).map(([name, status]) => [name, outcomeOf(status)]);
  assert.deepEqual(Object.fromEntries(outcomes), {
    OK: "success",
    CANCELLED: "unknown",
    UNKNOWN: "error",
    INVALID_ARGUMENT: "failure",
    DEADLINE_EXCEEDED: "error",
    NOT_FOUND: "failure",
    ALREADY_EXISTS: "failure",
    PERMISSION_DENIED: "failure",
    RESOURCE_EXHAUSTED: "error",
    FAILED_PRECONDITION: "failure",
    ABORTED: "failure",
    OUT_OF_RANGE: "failure",
    UNIMPLEMENTED: "failure",
    INTERNAL: "error",
    UNAVAILABLE: "error",
    DATA_LOSS: "error",
    UNAUTHENTICATED: "failure",
  });
});
