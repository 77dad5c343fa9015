/** Tests of what the log says of endpoints that fail and come back, and of asking the source. */
import assert from "node:assert/strict";
import test from "node:test";
import { type ClusterHarness, settle, withCluster } from "../../test/support/cluster.ts";
import { eventually } from "../../test/support/raw-http2.ts";
import { BACKOFF_MS_MAX } from "./backoff.ts";
import { CONNECTION_PROVEN_MS } from "./config.ts";
import { ENDPOINT_LINES_MAX } from "./endpoint-log.ts";

function linesOf(harness: ClusterHarness, msg: string) {
  return harness.log.entries.filter((entry) => entry.msg === msg);
}

const hasFailed = (harness: ClusterHarness) => () => harness.states("TRANSIENT_FAILURE").length > 0;

test("an endpoint that fails is logged once with the reason, and once when it is back", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    assert.deepEqual(linesOf(harness, "endpoint ready again"), [], "it had not failed");
    const { address, port } = server;
    harness.clock.advance(CONNECTION_PROVEN_MS);
    await server.close();
    await eventually("failed", hasFailed(harness));
    for (let i = 0; i < 5; i += 1) {
      harness.clock.advance(2_000);
      await eventually("failed again", () => /next attempt/.test(harness.view(address).reason));
    }
    const [line, ...more] = linesOf(harness, "endpoint failed");
    assert.deepEqual(more, [], "attempts that follow are no news");
    assert.equal(line.level, "warn");
    assert.equal(line.fields.target, "echo.test:1");
    assert.equal(line.fields.endpoint, address);
    assert.match(String(line.fields.reason), /^connection refused; next attempt in/);
    await harness.server({}, port);
    await harness.pass(2 * BACKOFF_MS_MAX);
    await harness.untilReady(1);
    const fields = { target: "echo.test:1", endpoint: address };
    const again = { level: "info", msg: "endpoint ready again", fields };
    assert.deepEqual(linesOf(harness, "endpoint ready again"), [again]);
  });
});

test("many that fail at once are told in a few lines and a number", async () => {
  await withCluster({}, async (harness) => {
    const count = 40;
    harness.resolve(...Array.from({ length: count }, (_, i) => `127.0.0.${i + 2}:1`));
    await eventually("all failed", () => harness.states("TRANSIENT_FAILURE").length === count);
    assert.equal(linesOf(harness, "endpoint failed").length, ENDPOINT_LINES_MAX);
    assert.deepEqual(linesOf(harness, "more endpoints changed"), []);
    await harness.pass(3_000);
    const fields = { target: "echo.test:1", failed: count - ENDPOINT_LINES_MAX, readyAgain: 0 };
    const line = { level: "warn", msg: "more endpoints changed", fields };
    assert.deepEqual(linesOf(harness, "more endpoints changed"), [line], "once");
    harness.resolve("127.0.1.1:1");
    await eventually("another failed", hasFailed(harness));
    assert.equal(linesOf(harness, "endpoint failed").at(-1)?.fields.endpoint, "127.0.1.1:1");
  });
});

test("the source is asked again when a connection is lost, and when one cannot be made", async () => {
  await withCluster({}, async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server.next();
    assert.equal(harness.resolver.resolveNowCount, 0, "all is well");
    harness.clock.advance(CONNECTION_PROVEN_MS);
    connection.destroy();
    const fresh = await server.next();
    await harness.untilReady(1);
    assert.equal(harness.resolver.resolveNowCount, 1, "lost");
    harness.clock.advance(CONNECTION_PROVEN_MS);
    fresh.goAway(0);
    const third = await server.next();
    await harness.untilReady(1);
    assert.equal(harness.resolver.resolveNowCount, 2, "on its way out");
    await fresh.closed();
    harness.clock.advance(CONNECTION_PROVEN_MS);
    const closed = server.close();
    await eventually("refused", hasFailed(harness));
    await closed;
    assert.ok(third.isClosed);
    assert.equal(harness.resolver.resolveNowCount, 4, "lost, and refused");
    harness.resolve();
    await settle();
    assert.equal(harness.resolver.resolveNowCount, 4, "one that left is not missed");
  });
});
