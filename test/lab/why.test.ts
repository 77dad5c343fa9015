/**
 * Why a pod gets calls or none, asked of a lab with real processes, lane by lane, while pods come,
 * turn slow and unready: what is said is what those who choose know.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { realClock } from "../../src/base/index.ts";
import { Lab } from "../../src/lab/core/lab.ts";
import { ACTION_LIMITS } from "../../src/lab/options.ts";
import { fairleadCommand } from "../../src/lab/places.ts";
import { parseAction } from "../../src/lab/read-action.ts";
import type { CallsAnswer, WhyAnswer } from "../../src/lab/why/answer.ts";
import { ask } from "../../src/lab/why/ask.ts";

const LANES = ["clusterip", "headless", "client", "proxy"] as const;
type Name = (typeof LANES)[number];

const clock = realClock();

const lab = new Lab({
  ...{ pods: 3, lanes: LANES, policy: "least_request", hasPeers: false, clock },
  ...{ whyNoNetns: "a test", fairlead: fairleadCommand() },
  load: { callsPerSecond: 200, inFlightMax: 10 },
  onProblem: assert.fail,
});

before(async () => {
  await lab.start();
  await until(() => lab.views().every(({ phase }) => phase === "running"));
});
after(() => lab.close());

/** Within a minute. */
async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    assert.ok(tries < 600, `it did not come to be: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function why(lane: Name, pod: string | null): Promise<WhyAnswer> {
  const params = new URLSearchParams({ lane, ...(pod !== null && { pod }) });
  const { status, json } = await ask(lab, "/why", params);
  assert.equal(status, 200, JSON.stringify(json));
  return json as WhyAnswer;
}

async function calls(lane: Name): Promise<CallsAnswer["calls"]> {
  const { status, json } = await ask(lab, "/calls", new URLSearchParams({ lane }));
  assert.equal(status, 200, JSON.stringify(json));
  return (json as CallsAnswer).calls;
}

/** Asks until the story of a pod says it. */
async function told(lane: Name, pod: string, wanted: RegExp): Promise<WhyAnswer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await why(lane, pod);
    const story = answer.story.join(" ");
    if (wanted.test(story)) return answer;
    assert.ok(tries < 600, `${lane}, ${pod}: ${story}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function rowOf({ rows }: WhyAnswer, pod: string): WhyAnswer["rows"][number] {
  const row = rows.find((each) => each.pod === pod);
  assert.ok(row, `${pod} has a row`);
  return row;
}

function act(text: string): void {
  assert.equal(lab.act(parseAction(text, ACTION_LIMITS)), null);
}

test("clusterip: the one connection, where it leads, and to nobody else", async () => {
  await told("clusterip", "echo-1", /of this lane's [\d,]+ calls?/);
  const { rows, policy, story } = await why("clusterip", null);
  assert.equal(policy, null);
  const [only, ...others] = rows.filter(({ connections }) => connections === 1);
  assert.equal(others.length, 0);
  const { figures } = lab.views().find(({ name }) => name === "clusterip")!;
  const used = Object.keys(figures.perPod).filter((pod) => figures.perPod[pod]! > 0);
  assert.deepEqual(used, [only!.pod], "the pod that the relay names is the one that answers");
  assert.match(story.join(" "), /draws a pod by chance for each connection, not for each call/);
  const chosen = await why("clusterip", only!.pod);
  assert.match(chosen.story.join(" "), /holds one connection to the ClusterIP/);
  const idle = rows.find(({ connections }) => connections === 0)!;
  const nobody = await why("clusterip", idle.pod);
  assert.match(nobody.story.join(" "), new RegExp(`has one, to ${only!.pod} for [\\d.]+ s`));
});

test("headless: what grpc-js is connected to, and what DNS told it", async () => {
  const { rows, story, policy } = await why("headless", null);
  assert.equal(policy, "round_robin");
  assert.deepEqual(
    rows.map(({ state, source, connections }) => `${state} ${source} ${connections}`),
    ["READY dns 1", "READY dns 1", "READY dns 1"],
  );
  assert.match(story.join(" "), /last asked DNS [\d.]+ s ago and was told 3 addresses\./);
});

test("fairlead's channel and proxy: their own decision, step by step", async () => {
  for (const lane of ["client", "proxy"] as const) {
    const answer = await told(lane, "echo-2", /for each call, least_request/i);
    assert.match(rowOf(answer, "echo-2").source, /^EndpointSlice lab\/echo-/);
    assert.deepEqual(
      answer.decision.map(({ rule }) => rule),
      ["in the endpoint set", "connection is ready", "least_request"],
    );
  }
  assert.match((await why("proxy", null)).command!.text, /^fairlead why --admin 127\./);
  assert.match((await why("client", null)).command!.text, /^fairlead why kubernetes:\/\/\//);
});

test("the latest calls, and what each of them used", async () => {
  const peers = { clusterip: "only connection to 127", headless: "the connection to 127" };
  for (const lane of LANES) {
    const all = await calls(lane);
    assert.ok(all.length > 0 && all.length <= 50, `${lane}: ${all.length}`);
    assert.ok(all.every(({ atMs }, index) => index === 0 || atMs <= all[index - 1]!.atMs));
    const { pod, status, why: sentences } = all[0]!;
    assert.match(pod, /^echo-\d$/);
    assert.equal(status, "OK");
    const wanted = lane in peers ? peers[lane as keyof typeof peers] : "least_request";
    assert.ok(sentences.join(" ").includes(wanted), sentences.join(" "));
  }
});

test("a pod that comes: known at once, or not at all before DNS is asked", async () => {
  act("scale=4");
  const wanted = /in EndpointSlice lab\/echo-\w+ for [\d.]+ s, but the client last asked DNS/;
  await until(() => lab.pods.includes("echo-4"));
  const answer = await told("headless", "echo-4", wanted);
  const { state, usable, reason } = rowOf(answer, "echo-4");
  assert.deepEqual({ state, usable }, { state: "unknown", usable: false });
  assert.match(reason, /was told 3 addresses, this one not among them/);
  for (const lane of ["client", "proxy"] as const) {
    const known = await told(lane, "echo-4", /holds 1 connection to it/);
    assert.equal(rowOf(known, "echo-4").usable, true);
  }
  await told("clusterip", "echo-4", /may give it the next connection/);
});

test("a slow pod, and one whose readiness probe fails", async () => {
  act("slow=echo-2");
  for (const lane of LANES) await told(lane, "echo-2", /It was made slow/);
  await told("headless", "echo-2", /does not look at how a pod fares/);
  await told("client", "echo-2", /its answers take [\d.]+ ms of late, those of the others/);
  act("not-serving=echo-3");
  const out = await told("client", "echo-3", /does not use it: not ready/);
  assert.match(out.decision[0]!.effect, /^no: not ready/);
  await told("proxy", "echo-3", /does not use it: not ready/);
  await told("headless", "echo-3", /NOT_SERVING, so its readiness probe fails\. DNS named/);
});

test("what there is not is said, and so is a client that has ended", async (t) => {
  const other = new Lab({
    ...{ pods: 1, lanes: ["static"], policy: "least_request", hasPeers: false, clock },
    ...{ whyNoNetns: "a test", fairlead: fairleadCommand(), onProblem: () => {} },
    load: { callsPerSecond: 20, inFlightMax: 10 },
  });
  t.after(() => other.close());
  const asked = async (path: string, query: string) => {
    const { status, json } = await ask(other, path, new URLSearchParams(query));
    return `${status} ${(json as { error?: string }).error ?? ""}`;
  };
  assert.equal(await asked("/why", "lane=static"), "503 lane static is still starting");
  await other.start();
  assert.equal(await asked("/why", ""), "400 GET /why needs ?lane=NAME");
  assert.equal(
    await asked("/calls", `lane=${"x".repeat(100)}`),
    `404 lane "${"x".repeat(60)}…" is not on; those that are: static`,
  );
  assert.equal(
    await asked("/why", "lane=static&pod=echo-9"),
    '404 there is no pod "echo-9" now; it may have been replaced',
  );
  assert.equal(await asked("/why", "lane=static&pod=echo-1"), "200 ");
  await other.close();
  assert.match(await asked("/why", "lane=static"), /^503 client of static ended/);
});
