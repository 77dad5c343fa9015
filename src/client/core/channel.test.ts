/** Tests of channels without a server: service config, deadlines, and their end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Status } from "../../grpc/index.ts";
import { ChannelHarness, newCall } from "./channel-suite.ts";

const methods = (fields: object) => ({ methodConfig: [{ name: [{ service: "a.B" }], ...fields }] });

/** When a call that says nothing itself must be over. */
function deadlineOf(channel: ReturnType<ChannelHarness["channel"]>): number {
  return newCall(channel).call.config.deadlineMs;
}

test("service config of the option holds until the resolver has one, and again after it", () => {
  const harness = new ChannelHarness();
  const channel = harness.channel({ serviceConfig: methods({ timeout: "5s" }) });
  assert.equal(deadlineOf(channel), harness.clock.nowMs() + 5_000);
  channel.connectivity(true);
  harness.resolver.say({ json: methods({ timeout: "7s" }) });
  assert.equal(deadlineOf(channel), harness.clock.nowMs() + 7_000);
  harness.resolver.say(null);
  assert.equal(deadlineOf(channel), harness.clock.nowMs() + 5_000);
  channel.close();
});

test("service config that is wrong leaves the last good one, and is logged", () => {
  const harness = new ChannelHarness();
  const channel = harness.channel();
  channel.connectivity(true);
  harness.resolver.say({ json: methods({ timeout: "7s" }) });
  for (const [wrong, why] of [
    [{ json: methods({ timeout: 7 }) }, "methodConfig[0].timeout is 7, must be a duration"],
    [{ json: { ...methods({}), loadBalancingConfig: [{ none: {} }] } }, "none"],
    [{ error: "the annotation is not JSON" }, "the annotation is not JSON"],
  ] as const) {
    harness.lines.length = 0;
    harness.resolver.say(wrong);
    const said = harness.lines.filter((line) => line.startsWith("service config"));
    assert.equal(said.length, 1, why);
    assert.ok(said[0]!.includes(why), said[0]);
    assert.equal(deadlineOf(channel), harness.clock.nowMs() + 7_000);
  }
  const late = harness.channel();
  assert.equal(deadlineOf(late), harness.clock.nowMs() + 7_000, "one that joins later has it too");
  late.close();
  channel.close();
});

test("service config of the resolver is not used where it is disabled", () => {
  const harness = new ChannelHarness();
  const channel = harness.channel({ takesServiceConfig: false });
  channel.connectivity(true);
  harness.resolver.say({ json: methods({ timeout: "7s" }) });
  assert.equal(deadlineOf(channel), Number.POSITIVE_INFINITY);
  channel.close();
});

test("the smaller of two limits counts, and what a call says of waiting comes first", () => {
  const harness = new ChannelHarness();
  const config = methods({ timeout: "5s", waitForReady: true, maxRequestMessageBytes: 10 });
  const channel = harness.channel({ serviceConfig: config });
  const nowMs = harness.clock.nowMs();
  const sooner = newCall(channel, { deadlineMs: nowMs + 1_000, waitForReady: false });
  assert.equal(sooner.call.config.deadlineMs, nowMs + 1_000);
  assert.equal(sooner.call.config.waitForReady, false);
  const later = newCall(channel, { deadlineMs: nowMs + 9_000 });
  assert.equal(later.call.config.deadlineMs, nowMs + 5_000);
  assert.equal(later.call.config.waitForReady, true);
  for (const [path, bytes, limit] of [
    ["/a.B/C", 11, "(11 vs. 10)"],
    ["/a.Other/C", 1_001, "(1001 vs. 1000)"],
  ] as const) {
    const { call, events } = newCall(channel, { path, waitForReady: true });
    call.start(null);
    call.send(new Uint8Array(bytes), false);
    assert.equal(events.status?.code, Status.RESOURCE_EXHAUSTED);
    assert.ok(events.status?.details.endsWith(limit), events.status?.details);
  }
  assert.equal(harness.retained, 0);
  channel.close();
});

test("a call whose deadline has passed never begins", () => {
  const harness = new ChannelHarness();
  const channel = harness.channel();
  const { call, events } = newCall(channel, { deadlineMs: harness.clock.nowMs() });
  call.start(null);
  assert.equal(events.status?.code, Status.DEADLINE_EXCEEDED);
  assert.deepEqual([harness.resolvers.length, harness.retained], [0, 0]);
  channel.close();
});

test("close fails the calls that wait and those to come, and says SHUTDOWN once", () => {
  const harness = new ChannelHarness();
  const other = harness.channel();
  const channel = harness.channel();
  const states: string[] = [];
  channel.watchConnectivity((state) => states.push(state));
  const waiting = newCall(channel, { waitForReady: true });
  waiting.call.start(null);
  const others = newCall(other, { waitForReady: true });
  others.call.start(null);
  assert.equal(harness.retained, 2, "the process lives for them");
  channel.close();
  channel.close();
  assert.equal(waiting.events.status?.code, Status.UNAVAILABLE);
  assert.equal(others.events.status, null, "calls of a channel that shares go on");
  assert.deepEqual(states, ["CONNECTING", "SHUTDOWN"]);
  assert.equal(channel.connectivity(true), "SHUTDOWN");
  const late = newCall(channel);
  late.call.start(null);
  assert.match(late.events.status?.details ?? "", /the channel is closed/);
  other.close();
  assert.equal(harness.retained, 0);
});

test("policies of a method that come while a call waits are carried out, up to attemptsMax", () => {
  const retryPolicy = {
    ...{ maxAttempts: 3, initialBackoff: "1s", maxBackoff: "1s", backoffMultiplier: 1 },
    retryableStatusCodes: ["UNAVAILABLE"],
  };
  for (const [attemptsMax, isRetried] of [
    [5, true],
    [1, false],
  ] as const) {
    const harness = new ChannelHarness();
    const channel = harness.channel({ attemptsMax });
    const { call, events } = newCall(channel);
    call.start(null);
    harness.resolver.say({ json: methods({ retryPolicy }) });
    // There is no endpoint, which is a failure for the policy.
    assert.equal(events.status === null, isRetried);
    harness.clock.advance(2_500);
    assert.equal(events.status?.code, Status.UNAVAILABLE);
    channel.close();
    assert.equal(harness.retained, 0);
  }
});

// Each change began the time-out anew, and a time-out that was taken away still ended the call.
test("a call that waits for its first endpoint has service config once, whole", () => {
  const harness = new ChannelHarness();
  const channel = harness.channel({ serviceConfig: methods({ timeout: "1s" }) });
  const { call, events } = newCall(channel, { waitForReady: true });
  call.start(null);
  harness.resolver.say({ json: methods({}) });
  harness.clock.advance(5_000);
  assert.equal(events.status, null, "the resolver's config has no time-out");
  const later = newCall(channel, { waitForReady: true });
  later.call.start(null);
  for (let i = 0; i < 5; i += 1) {
    harness.resolver.say({ json: methods({ timeout: "1s", maxRequestMessageBytes: i }) });
    harness.clock.advance(300);
  }
  assert.equal(later.events.status?.code, Status.DEADLINE_EXCEEDED);
  channel.close();
});
