/**
 * Tests of leader election in virtual time, on the objects of the lab's API server: several
 * replicas, outages, clocks that disagree, and the rule that never two lead.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type LabWorld, labWorld } from "../../../test/support/lab-world.ts";
import { type Clock, RecordingLogger, seededRng, VirtualClock } from "../../base/index.ts";
import type { WriteFailure } from "../../discovery/index.ts";
import {
  LEASE_DURATION_MS,
  LeaderElection,
  RENEW_DEADLINE_MS,
  RETRY_PERIOD_MS,
} from "./election.ts";

const AT = { kind: "Lease", namespace: "default", name: "fairlead" };
/** No replica waits longer between two looks. */
const LOOK_MS = 2.2 * RETRY_PERIOD_MS;
const AWAY: WriteFailure = { kind: "unreachable", reason: "api: no answer", retryAfterMs: 0 };

function world() {
  const clock = new VirtualClock();
  const lab = labWorld(clock);
  const { objects } = lab;
  const replicas: ReturnType<typeof replica>[] = [];
  const add = (identity: string, own: Clock = clock) => {
    const made = replica(identity, lab, own, replicas.length + 1);
    replicas.push(made);
    made.election.start();
    return made;
  };
  const leaders = () => replicas.filter((one) => one.election.isLeader).map((one) => one.identity);
  /** Moves on in small steps; never two lead. */
  const pass = (ms: number) => {
    for (let done = 0; done < ms; done += 50) {
      clock.advance(50);
      assert.ok(leaders().length <= 1, `${leaders()} lead`);
    }
  };
  const lease = () => objects.get(AT).spec as Record<string, unknown>;
  const end = () => {
    for (const { stop } of replicas) stop();
    clock.advance(10_000);
    assert.equal(clock.pendingCount, 0, "no timer is left");
  };
  return { clock, objects, add, leaders, pass, lease, end };
}

function replica(identity: string, lab: LabWorld, clock: Clock, seed: number) {
  const log = new RecordingLogger();
  const writer = lab.newWriter();
  const changes: boolean[] = [];
  let isStopped = false;
  let isDone = false;
  const election = new LeaderElection({
    ...{ clock, log, writer, identity, rng: seededRng(seed), namespace: "default" },
    name: "fairlead",
    onChange: (isLeader) => {
      assert.notEqual(isLeader, changes.at(-1), "alternately");
      changes.push(isLeader);
    },
  });
  const stop = () => {
    if (isStopped) return;
    isStopped = true;
    election.stop(() => {
      isDone = true;
    });
  };
  return { identity, election, writer, log, changes, stop, isDone: () => isDone };
}

test("the first makes the Lease, renews it and leads; the second waits", () => {
  const { clock, add, leaders, pass, lease, end } = world();
  const a = add("a");
  pass(100);
  const b = add("b");
  pass(60_000);
  assert.deepEqual(leaders(), ["a"]);
  assert.deepEqual([a.changes, b.changes], [[true], []]);
  assert.equal(b.election.leader, "a");
  const { acquireTime, renewTime, ...rest } = lease();
  assert.deepEqual(rest, {
    ...{ holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 0 },
  });
  assert.match(String(acquireTime), /^2026-01-01T00:00:00\.\d{3}000Z$/);
  assert.ok(clock.wallMs() - Date.parse(String(renewTime)) <= RETRY_PERIOD_MS + 50);
  const renewals = a.writer.requests.filter((request) => request.startsWith("update"));
  assert.ok(renewals.length >= 27 && renewals.length <= 31, `${renewals.length} in a minute`);
  assert.ok(a.writer.requests.length - renewals.length <= 2, "it does not read before it renews");
  end();
});

test("on a stop the Lease is given back, and the next one leads at its next look", () => {
  const { add, leaders, pass, lease, end } = world();
  const a = add("a");
  pass(100);
  const b = add("b");
  pass(5000);
  a.stop();
  assert.equal(a.election.isLeader, false, "at once");
  assert.deepEqual(a.changes, [true, false]);
  pass(50);
  assert.equal(lease().holderIdentity, "");
  assert.equal(a.isDone(), true);
  pass(LOOK_MS);
  assert.deepEqual(leaders(), ["b"]);
  assert.equal(lease().leaseTransitions, 1);
  b.stop();
  end();
});

test("one that dies is followed after its Lease has run out, not before", () => {
  const { add, leaders, pass, end } = world();
  const a = add("a");
  pass(100);
  const b = add("b");
  pass(10_000);
  a.writer.isHanging = true;
  pass(LEASE_DURATION_MS - RETRY_PERIOD_MS - 100);
  assert.deepEqual(b.changes, []);
  // It may have seen the last renewal one look late, and sees one look late that its time is up.
  pass(RETRY_PERIOD_MS + 2 * LOOK_MS + 200);
  assert.deepEqual(leaders(), ["b"]);
  assert.deepEqual(a.changes, [true, false], "it knows that it leads no more");
  end();
});

test("an outage of the API server: nobody leads after the deadline, and one does after it", () => {
  const { add, leaders, pass, end } = world();
  const [a, b] = [add("a"), add("b")];
  pass(5000);
  const [first] = leaders();
  for (const { writer } of [a, b]) writer.failure = AWAY;
  pass(RENEW_DEADLINE_MS - RETRY_PERIOD_MS - 100);
  assert.deepEqual(leaders(), [first], "one that cannot be reached for a while still leads");
  pass(RETRY_PERIOD_MS + 100);
  assert.deepEqual(leaders(), []);
  pass(600_000);
  assert.deepEqual(a.election.problem, AWAY);
  const warned = a.log.lines.filter((line) => line.startsWith("warn"));
  assert.deepEqual(warned, ["warn: the Lease cannot be held"], "told once");
  for (const { writer } of [a, b]) writer.failure = null;
  pass(LOOK_MS + 100);
  assert.equal(leaders().length, 1);
  assert.equal(a.election.problem, null);
  end();
});

test("a short outage changes no leader", () => {
  const { add, leaders, pass, end } = world();
  const [a, b] = [add("a"), add("b")];
  pass(5000);
  const before = leaders();
  for (const { writer } of [a, b]) writer.isHanging = true;
  pass(4000);
  for (const { writer } of [a, b]) writer.isHanging = false;
  pass(30_000);
  assert.deepEqual(leaders(), before);
  assert.equal(a.changes.length + b.changes.length, 1);
  end();
});

test("clocks that are hours apart do no harm: what counts is what one has seen oneself", () => {
  const { clock, add, leaders, pass, end } = world();
  const skewed: Clock = {
    nowMs: () => clock.nowMs() + 1e6,
    wallMs: () => clock.wallMs() - 7_200_000,
    setTimer: (delayMs, fn) => clock.setTimer(delayMs, fn),
  };
  const a = add("a", skewed);
  pass(100);
  const b = add("b");
  pass(120_000);
  assert.deepEqual([leaders(), b.changes], [["a"], []], "its times look two hours old");
  a.writer.isHanging = true;
  pass(LEASE_DURATION_MS + 2 * LOOK_MS + 100);
  assert.deepEqual(leaders(), ["b"]);
  end();
});

test("of two that take it at the same moment the server lets one", () => {
  const { objects, add, leaders, pass, end } = world();
  const [a, b] = [add("a"), add("b")];
  pass(100);
  assert.equal(leaders().length, 1, "both asked, both found nothing, both made it");
  assert.deepEqual([a.changes.length + b.changes.length], [1]);
  const loser = a.election.isLeader ? b : a;
  const winner = a.election.isLeader ? a : b;
  assert.equal(loser.election.problem, null, "to lose is no problem");
  objects.update(AT, { ...objects.get(AT), spec: { holderIdentity: "somebody else" } });
  pass(RETRY_PERIOD_MS + 100);
  assert.notEqual(winner.changes.at(-1), undefined);
  end();
});

test("a Lease that somebody deletes is made again by who holds it", () => {
  const { objects, add, leaders, pass, lease, end } = world();
  add("a");
  pass(3000);
  objects.delete(AT);
  pass(RETRY_PERIOD_MS + 100);
  assert.deepEqual([leaders(), lease().holderIdentity], [["a"], "a"]);
  end();
});

test("what others wrote into the Lease stays, and one that makes no sense is held by nobody", () => {
  const { objects, add, leaders, pass, end } = world();
  const metadata = { name: "fairlead", labels: { team: "edge" } };
  objects.create("Lease", "default", { metadata, spec: { preferredHolder: "x" } });
  add("a");
  pass(3000);
  assert.deepEqual(leaders(), ["a"]);
  const { metadata: meta, spec } = objects.get(AT);
  assert.deepEqual(meta.labels, { team: "edge" });
  assert.equal((spec as Record<string, unknown>).preferredHolder, "x");
  end();
});

test("where Leases are forbidden it is asked for rarely, and told once", () => {
  const { add, leaders, pass, end } = world();
  const a = add("a");
  const reason = "forbidden: needs create on leases.coordination.k8s.io in namespace default";
  a.writer.failure = { kind: "forbidden", reason, retryAfterMs: 0 };
  pass(300_000);
  assert.deepEqual(leaders(), []);
  assert.deepEqual(a.log.lines, ["warn: the Lease cannot be held"]);
  assert.ok(a.writer.requests.length <= 11, `${a.writer.requests.length} in five minutes`);
  a.writer.failure = null;
  pass(70_000);
  assert.deepEqual(leaders(), ["a"]);
  end();
});

test("never two lead, whatever fails whenever", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const rng = seededRng(seed);
    const { add, pass, end, leaders } = world();
    const all = ["a", "b", "c"].map((identity) => add(identity));
    for (let step = 0; step < 40; step += 1) {
      const { writer } = all[rng.int(all.length)];
      const chance = rng.int(4);
      writer.isHanging = chance === 0;
      writer.failure = chance === 1 ? AWAY : null;
      writer.latencyMs = 1 + rng.int(2000);
      pass(1000 + rng.int(10_000));
    }
    for (const { writer } of all) Object.assign(writer, { isHanging: false, failure: null });
    pass(60_000);
    assert.equal(leaders().length, 1, `seed ${seed}`);
    end();
  }
});
