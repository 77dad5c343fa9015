/**
 * Tests of what pages are told, over a made-up lab: that what a page has been told adds up to what
 * the lab is.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { labFixture, laneFixture } from "../fixtures.ts";
import type { LabEvent, LaneView, ReplicaView } from "../view.ts";
import { LiveFeed, type ShownLab } from "./live-feed.ts";
import { applied } from "./page-delta.ts";
import type { Column, Hello, Sample } from "./page-feed.ts";

const FACTS = { command: "bin/fairlead lab", runId: 7, newLab: () => "bin/fairlead lab" };

/** A lab whose parts can be changed. */
function labOf(...lanes: LaneView[]) {
  const { pods, podStates, elapsedMs, laneChoices, load, clusterIpBy } = labFixture(lanes);
  return {
    ...{ pods, podStates, elapsedMs, laneChoices, load, clusterIpBy },
    wantedPods: pods.length,
    ...{ slowPods: [] as string[], notServingPods: [], sickPods: [] },
    events: [] as LabEvent[],
    columnCount: 0,
    progress: null,
    problem: null as string | null,
    views: () => lanes,
  } satisfies ShownLab;
}

/** A page that follows a feed. */
class FollowingPage {
  readonly feed: LiveFeed;
  now: Sample;
  columns: Column[];

  constructor(feed: LiveFeed) {
    this.feed = feed;
    const hello: Hello = JSON.parse(JSON.stringify(feed.hello()));
    this.now = hello.now;
    this.columns = [...hello.columns];
  }

  follow(isLast = false): boolean {
    const delta = this.feed.delta(isLast);
    if (delta === null) return false;
    this.now = applied(this.now, JSON.parse(JSON.stringify(delta.now)));
    this.columns.push(...delta.columns);
    return true;
  }
}

test("who comes first and who comes later know the same in the end", () => {
  const lab = labOf(laneFixture("client", [3, 4]));
  const feed = new LiveFeed(() => lab, FACTS);
  lab.columnCount = 1;
  feed.close([[3, 4]]);
  const first = new FollowingPage(feed);
  assert.equal(first.columns.length, 1);
  assert.equal(first.follow(), false, "nothing changed");

  lab.columnCount = 2;
  feed.close([[1, 0]]);
  const second = new FollowingPage(feed);
  lab.problem = "no pod is ready";
  // A delta is made once, and goes to all pages.
  assert.equal(second.follow(), true);
  first.now = second.now;
  first.columns.push(second.columns.at(-1)!);
  assert.deepEqual(second.columns, first.columns);
  assert.equal(second.now.problem, "no pod is ready");
  assert.deepEqual(second.columns[1], {
    states: "rr",
    lanes: { client: { calls: [1, 0], p50Ms: 1.003, p99Ms: 1.003 } },
  });
});

test("columns are kept while nobody looks, and told once", () => {
  const lab = labOf(laneFixture("client", [1]));
  const feed = new LiveFeed(() => lab, FACTS);
  for (const count of [1, 2, 3]) {
    lab.columnCount = count;
    feed.close([[count]]);
    feed.forget();
  }
  const page = new FollowingPage(feed);
  assert.deepEqual(
    page.columns.map(({ lanes }) => lanes.client!.calls),
    [[1], [2], [3]],
  );
  assert.equal(page.follow(), false);
});

/**
 * The proxies of a lane are a list that the lab changes in place. The feed held the same list as
 * "what pages know", saw no difference, and a second replica never came to the page.
 */
test("what the lab changes in place is told, too", () => {
  const replica = { name: "proxy-1", connections: 8, calls: 0, callsPerSecond: 0 };
  const replicas: ReplicaView[] = [replica];
  const lab = labOf({ ...laneFixture("nested", [1]), replicas });
  const page = new FollowingPage(new LiveFeed(() => lab, FACTS));
  replicas.push({ ...replica, name: "proxy-2", connections: 0 });
  assert.equal(page.follow(), true);
  assert.deepEqual(page.now.lanes[0]!.replicas, replicas);
});

test("a lab that was put back to its start is told anew, without its past", () => {
  const lab = labOf(laneFixture("client", [1]));
  const feed = new LiveFeed(() => lab, FACTS);
  lab.columnCount = 5;
  feed.close([[1]]);
  const before = new FollowingPage(feed);
  assert.equal(feed.takeBegunAnew(), false);
  lab.columnCount = 0;
  assert.equal(feed.takeBegunAnew(), true);
  assert.equal(feed.takeBegunAnew(), false);
  assert.equal(before.columns.length, 1);
  assert.deepEqual(new FollowingPage(feed).columns, []);
});

// One reset in ten or so fell between a tell and the end of an interval. The feed had begun anew
// by itself then, told nobody, and the page stood still until it was loaded again.
test("a reset that an interval has noticed first is told to open pages, too", () => {
  const lab = labOf(laneFixture("client", [1]));
  const feed = new LiveFeed(() => lab, FACTS);
  lab.columnCount = 5;
  feed.close([[1]]);
  feed.hello();
  lab.columnCount = 1;
  feed.close([[2]]);
  assert.equal(feed.takeBegunAnew(), true);
  const page = new FollowingPage(feed);
  assert.deepEqual(
    page.columns.map(({ lanes }) => lanes.client?.calls),
    [[2]],
  );
  assert.equal(feed.takeBegunAnew(), false);
  assert.equal(page.follow(true), true);
});

test("the last word is that it is the last", () => {
  const lab = labOf(laneFixture("client", [1]));
  const page = new FollowingPage(new LiveFeed(() => lab, FACTS));
  assert.equal(page.follow(true), true);
  assert.equal(page.now.isLast, true);
});
