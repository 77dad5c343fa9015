/** Tests of what a fault explains, and of what it does not. */
import assert from "node:assert/strict";
import test from "node:test";
import type { FailedCall } from "../rollouts/judge.ts";
import { explainByFaults, type FaultRecord } from "./explain.ts";

const ADDRESS = "127.0.0.1:1";
const AT_MS = 100_000;

const failed = (more: Partial<FailedCall> = {}): FailedCall => ({
  ...{ id: "client-1", kind: "unary", fromMs: AT_MS, untilMs: AT_MS + 10, code: 14, pod: null },
  ...{ details: `${ADDRESS}: connection reset by the peer`, isCancelled: false, executedBy: null },
  ...more,
});

const fault = (more: Partial<FaultRecord> = {}): FaultRecord => ({
  ...{ kind: "kill", address: ADDRESS, name: null, fromMs: AT_MS, untilMs: AT_MS + 2_000 },
  ...{ cutsMs: [AT_MS + 5], goAwaysMs: [] },
  ...more,
});

/** What explains a call of fairlead's client under one fault. */
const why = (call: Partial<FailedCall>, by: Partial<FaultRecord> = {}): string | null =>
  explainByFaults(failed(call), [fault(by)], null);

test("a connection that was cut explains calls that name its pod, at that time", () => {
  assert.equal(why({}), "kill");
  assert.equal(why({ details: "127.0.0.1:11: connection reset by the peer" }), null, "another pod");
  assert.equal(why({ details: "connection reset by the peer" }), null, "no pod named");
  assert.equal(why({}, { cutsMs: [AT_MS - 9_000] }), null, "long before");
  assert.equal(why({ code: 13 }), null, "another status");
  assert.equal(why({ details: `fairlead: ${ADDRESS}: connection reset` }), null, "no proxy's word");
});

test("through a proxy the same is said with fairlead's name before it", () => {
  const call = failed({ details: `fairlead: ${ADDRESS}: connection reset by the peer` });
  assert.equal(explainByFaults(call, [fault()], "proxy-1"), "kill");
  assert.equal(explainByFaults(failed(), [fault()], "proxy-1"), null);
});

test("a proxy that is killed explains what its own callers say, and nothing of fairlead's", () => {
  const killed = fault({ kind: "proxy-kill", address: null, name: "proxy-2", cutsMs: [] });
  const dropped = failed({ details: "Connection dropped" });
  assert.equal(explainByFaults(dropped, [killed], "proxy-2"), "proxy-kill");
  assert.equal(explainByFaults(dropped, [killed], "proxy-1"), null);
  assert.equal(explainByFaults(dropped, [killed], null), null);
});

test("only a silence that lasts long enough explains that a pod was given up", () => {
  const details = `${ADDRESS}: the peer does not answer (keepalive)`;
  const call = { details, untilMs: AT_MS + 16_000 };
  assert.equal(why(call, { kind: "stop", untilMs: AT_MS + 19_000, cutsMs: [] }), "stop");
  assert.equal(why(call, { kind: "stop", untilMs: AT_MS + 3_000, cutsMs: [] }), null);
  assert.equal(why(call, { kind: "kill", untilMs: AT_MS + 19_000 }), null);
});

test("GOAWAY explains a call only when it hit it twice", () => {
  const details = `${ADDRESS}: the peer sent GOAWAY NO_ERROR`;
  const storm = { kind: "goaway-storm", cutsMs: [] } as const;
  assert.equal(why({ details }, { ...storm, goAwaysMs: [AT_MS, AT_MS + 5] }), "goaway-storm");
  assert.equal(why({ details }, { ...storm, goAwaysMs: [AT_MS] }), null);
});

test("a cancelled call is explained when its caller gave it up, a late one by nothing", () => {
  assert.equal(why({ code: 1, isCancelled: true }), "the caller gave it up");
  assert.equal(why({ code: 1, details: "CANCELLED" }), null);
  assert.equal(why({ code: 4, details: "Deadline exceeded" }), null);
});

for (const kind of ["slow", "flap", "lie-drop", "serve-on", "roll", "stop", "hold"] as const) {
  test(`${kind} explains no call that fails`, () => {
    assert.equal(why({}, { kind, cutsMs: [] }), null);
  });
}
