/** Tests of active health checks, and of their settings. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type ClusterHarness,
  type HarnessOptions,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import { callOf, callsOf, type OwnCall } from "../../test/support/health.ts";
import { eventually, type RawConnection, type RawServer } from "../../test/support/raw-http2.ts";
import { CHECK_JITTER, CHECK_PATH } from "./active-check.ts";
import { ACTIVE_CHECK_DEFAULTS, ACTIVE_CHECK_MS_MIN } from "./active-check-config.ts";
import { FLAP_MS } from "./endpoint-monitor.ts";
import { ServingStatus } from "./health-messages.ts";
import { WATCH_PATH } from "./health-watch.ts";
import { parseServiceConfig } from "./service-config.ts";

const INTERVAL_MS = 1_000;
const { SERVING, NOT_SERVING } = ServingStatus;

function configOf(activeHealthCheck: unknown, more: object = {}) {
  const loadBalancingConfig = [{ round_robin: {} }];
  return parseServiceConfig({ loadBalancingConfig, fairlead: { activeHealthCheck }, ...more });
}

/** Checks each second, with chance that adds nothing. */
function checking(fields: object = {}, more: object = {}): HarnessOptions {
  const serviceConfig = configOf({ interval: "1s", timeout: "0.5s", ...fields }, more);
  return { rng: { next: () => 0.5, int: () => 0 }, config: { serviceConfig } };
}

class Checked {
  readonly harness: ClusterHarness;
  readonly server: RawServer;
  connection: RawConnection;
  #seen = 0;

  private constructor(harness: ClusterHarness, server: RawServer, connection: RawConnection) {
    this.harness = harness;
    this.server = server;
    this.connection = connection;
  }

  static async of(harness: ClusterHarness): Promise<Checked> {
    const server = await harness.server();
    harness.resolve(server);
    return new Checked(harness, server, await server.next());
  }

  /** Its connection is a new one. */
  async reconnected(): Promise<void> {
    this.connection = await this.server.next();
    this.#seen = 0;
  }

  get state(): string {
    return this.harness.view(this.server).state;
  }

  next(): Promise<OwnCall> {
    this.#seen += 1;
    return callOf(this.connection, CHECK_PATH, this.#seen);
  }

  get count(): number {
    return callsOf(this.connection, CHECK_PATH).length;
  }

  /** Answers the next check, when its time has come. */
  async answer(status: number | null, grpcStatus = 0): Promise<void> {
    const call = await this.next();
    if (status !== null) call.say(status);
    call.end(grpcStatus);
    await this.connection.roundTrip();
    await settle(3);
  }

  async passInterval(ms = INTERVAL_MS): Promise<void> {
    await settle(3);
    this.harness.clock.advance(ms);
    await settle(3);
  }
}

test("the first check decides at once", async () => {
  for (const [status, state] of [
    [SERVING, "READY"],
    [NOT_SERVING, "UNHEALTHY"],
  ] as const) {
    await withCluster(checking({ serviceName: "a" }), async (harness) => {
      const checked = await Checked.of(harness);
      await settle();
      assert.equal(checked.state, "CONNECTING");
      assert.equal(harness.view(checked.server).reason, "its first check has not been answered");
      const call = await callOf(checked.connection, CHECK_PATH);
      assert.equal(call.message.toString("hex"), "0a0161");
      assert.equal(call.stream.get("grpc-timeout"), "500000u");
      await checked.answer(status);
      await eventually(state, () => checked.state === state);
    });
  }
});

test("then it takes as many in a row as the threshold says, of failures and successes", async () => {
  const options = checking({ unhealthyThreshold: 3, healthyThreshold: 2 });
  await withCluster(options, async (harness) => {
    const checked = await Checked.of(harness);
    const states: string[] = [];
    const answers = [1, 2, 2, 1, 2, 2, 2, 1, 2, 1, 1, 2];
    for (const answer of answers) {
      await checked.answer(answer);
      states.push(checked.state === "READY" ? "R" : "U");
      await checked.passInterval();
    }
    assert.equal(states.join(""), "RRRRRRUUUURR");
    assert.match(harness.log.entries.map(({ msg }) => msg).join(), /is unhealthy.*ready again/);
  });
});

for (const [what, answer, reason] of [
  ["UNIMPLEMENTED", (call: OwnCall) => call.end(12), /active check failed: UNIMPLEMENTED$/],
  ["NOT_FOUND", (call: OwnCall) => call.end(5, "no such"), /failed: NOT_FOUND: no such$/],
  ["OK without a message", (call: OwnCall) => call.end(0), /failed: no message that makes sense$/],
  [
    "a message that is none",
    (call: OwnCall) => {
      call.send(Buffer.from([0, 0, 0, 0, 1, 0x0a]));
      call.end(0);
    },
    /failed: no message that makes sense$/,
  ],
  [
    "bytes that are no message",
    (call: OwnCall) => call.send(Buffer.from([9, 0, 0, 0, 0])),
    /no messages$/,
  ],
  [
    "a status of HTTP",
    (call: OwnCall) => call.connection.headers(call.stream.id, [[":status", "503"]]),
    /HTTP status 503$/,
  ],
  ["a reset", (call: OwnCall) => call.connection.reset(call.stream.id, 2), /INTERNAL_ERROR$/],
] as const) {
  test(`${what} is a failure`, async () => {
    await withCluster(checking(), async (harness) => {
      const checked = await Checked.of(harness);
      answer(await checked.next());
      await eventually("unhealthy", () => checked.state === "UNHEALTHY");
      assert.match(harness.view(checked.server).reason, reason);
      await checked.passInterval();
      await checked.answer(SERVING);
      await checked.passInterval();
      await checked.answer(SERVING);
      assert.equal(checked.state, "READY");
    });
  });
}

test("no answer in time is a failure, and the next check comes an interval later", async () => {
  await withCluster(checking({ unhealthyThreshold: 1 }), async (harness) => {
    const checked = await Checked.of(harness);
    await checked.answer(SERVING);
    await checked.passInterval();
    const call = await checked.next();
    await checked.passInterval(499);
    assert.equal(checked.state, "READY");
    await checked.passInterval(1);
    assert.equal(checked.state, "UNHEALTHY");
    assert.match(harness.view(checked.server).reason, /no answer within 0\.5 s/);
    await eventually("cancelled", () => call.stream.resetCode === 8);
    await checked.passInterval(INTERVAL_MS - 1);
    assert.equal(checked.count, 2);
    await checked.passInterval(1);
    await checked.answer(SERVING);
  });
});

test("intervals are moved by chance", async () => {
  for (const [chance, delayMs] of [
    [0, INTERVAL_MS * (1 - CHECK_JITTER)],
    [1, INTERVAL_MS * (1 + CHECK_JITTER)],
  ] as const) {
    const rng = { next: () => chance, int: () => 0 };
    await withCluster({ ...checking(), rng }, async (harness) => {
      const checked = await Checked.of(harness);
      await checked.answer(SERVING);
      await checked.passInterval(delayMs - 1);
      assert.equal(checked.count, 1);
      await checked.passInterval(1);
      await checked.answer(SERVING);
    });
  }
});

test("after a new connection one that served is asked first, and decides at once", async () => {
  await withCluster(checking(), async (harness) => {
    const checked = await Checked.of(harness);
    await checked.answer(SERVING);
    harness.clock.advance(2_000);
    checked.connection.destroy();
    await checked.reconnected();
    await settle();
    assert.equal(checked.state, "CONNECTING");
    await checked.answer(NOT_SERVING);
    assert.equal(checked.state, "UNHEALTHY");
    harness.clock.advance(2_000);
    checked.connection.destroy();
    await checked.reconnected();
    await checked.answer(SERVING);
    assert.equal(checked.state, "UNHEALTHY", "one that did not must pass the threshold");
    await checked.passInterval();
    await checked.answer(SERVING);
    assert.equal(checked.state, "READY");
  });
});

test("a connection that is lost during a check is no verdict", async () => {
  await withCluster(checking({ unhealthyThreshold: 1 }), async (harness) => {
    const checked = await Checked.of(harness);
    await checked.answer(SERVING);
    await checked.passInterval();
    await checked.next();
    checked.connection.goAway(0x7fffffff);
    await checked.reconnected();
    await checked.answer(SERVING);
    assert.equal(checked.state, "READY");
  });
});

test("an endpoint that is watched too is used when both find it well", async () => {
  const more = { healthCheckConfig: { serviceName: "" } };
  await withCluster(
    checking({ unhealthyThreshold: 1, healthyThreshold: 1 }, more),
    async (harness) => {
      const checked = await Checked.of(harness);
      const watch = await callOf(checked.connection, WATCH_PATH);
      await checked.answer(SERVING);
      assert.equal(checked.state, "CONNECTING");
      watch.say(SERVING);
      await eventually("ready", () => checked.state === "READY");
      await checked.passInterval();
      await checked.answer(NOT_SERVING);
      assert.match(harness.view(checked.server).reason, /active check failed: NOT_SERVING/);
      watch.say(NOT_SERVING);
      await checked.passInterval();
      await checked.answer(SERVING);
      assert.match(harness.view(checked.server).reason, /its health check says NOT_SERVING/);
      watch.say(SERVING);
      await checked.passInterval(FLAP_MS);
      assert.equal(checked.state, "READY");
    },
  );
});

test("the defaults", () => {
  const { activeHealthCheck } = configOf({}).extensions;
  assert.deepEqual(activeHealthCheck, { ...ACTIVE_CHECK_DEFAULTS, serviceName: "" });
  assert.deepEqual(activeHealthCheck, {
    intervalMs: 5_000,
    timeoutMs: 1_000,
    unhealthyThreshold: 2,
    healthyThreshold: 2,
    serviceName: "",
  });
  assert.equal(parseServiceConfig({}).extensions.activeHealthCheck, null);
  assert.equal(ACTIVE_CHECK_MS_MIN, 100);
});

for (const [value, want] of [
  [1, "activeHealthCheck is 1, must be an object"],
  [{ interval: "0.01s" }, 'activeHealthCheck.interval is "0.01s", must be 0.1s to 3600s'],
  [{ interval: 5 }, "activeHealthCheck.interval is 5, must be a duration"],
  [{ timeout: "2h" }, 'activeHealthCheck.timeout is "2h", must be a duration'],
  [{ timeout: "3601s" }, 'activeHealthCheck.timeout is "3601s", must be 0.1s to 3600s'],
  [{ unhealthyThreshold: 0 }, "activeHealthCheck.unhealthyThreshold is 0, must be a whole number"],
  [{ healthyThreshold: 1.5 }, "activeHealthCheck.healthyThreshold is 1.5, must be a whole number"],
  [{ healthyThreshold: 1001 }, "activeHealthCheck.healthyThreshold is 1001, must be a whole"],
  [{ serviceName: {} }, "activeHealthCheck.serviceName is {}, must be a string"],
  [{ path: "/" }, "activeHealthCheck.path is unknown: known are interval, timeout"],
] as const) {
  test(`settings are refused with the field's path: ${JSON.stringify(value)}`, () => {
    assert.throws(
      () => configOf(value),
      (error: Error) => {
        assert.ok(error.message.startsWith("service config: fairlead."), error.message);
        assert.ok(error.message.includes(want), error.message);
        return true;
      },
    );
  });
}

for (const [healthCheckConfig, want] of [
  ["echo", 'healthCheckConfig is "echo", must be an object'],
  [{ serviceName: 1 }, "healthCheckConfig.serviceName is 1, must be a string"],
] as const) {
  test(`A17: ${JSON.stringify(healthCheckConfig)} is refused`, () => {
    assert.throws(() => parseServiceConfig({ healthCheckConfig }), {
      name: "ServiceConfigError",
      message: `service config: ${want}`,
    });
  });
}
