/** Scenario files: what a good one says, and what is told of bad ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScenarioFileError } from "./problems.ts";
import { readScenario } from "./read-scenario.ts";
import { SCENARIO_BYTES_MAX } from "./scenario.ts";

const GOOD = `version: 1
name: slow-pod
title: A slow pod
pods: 3
lanes: [headless, client]
seconds: 10
expect:
  - {lane: client, that: {podsUsed: 3}}
`;

/** The sentences about a text, with the places before them. */
function problemsOf(text: string): string[] {
  try {
    readScenario(text, "a.yaml");
  } catch (error) {
    assert.ok(error instanceof ScenarioFileError, String(error));
    return error.message.split("\n");
  }
  return [];
}

/** The same of the good one with one thing changed. */
function problemsWith(found: string, replacement: string): string[] {
  assert.ok(GOOD.includes(found), found);
  return problemsOf(GOOD.replace(found, replacement));
}

test("the least that a scenario says", () => {
  const scenario = readScenario(GOOD, "a.yaml");
  assert.equal(scenario.name, "slow-pod");
  assert.deepEqual(scenario.pods, { count: 3, settings: {} });
  assert.deepEqual(
    scenario.lanes.map(({ name, isOptional }) => [name, isOptional]),
    [
      ["headless", false],
      ["client", false],
    ],
  );
  assert.deepEqual(scenario.load, { callsPerSecond: 300, inFlightMax: 10 });
  assert.deepEqual(scenario.short, { seconds: 10, calls: null });
  assert.deepEqual(scenario.steps, []);
  assert.equal(scenario.expectations[0]!.at.kind, "end");
});

const ALL = `version: 1
name: all
title: All of it
row: none
story: |
  Of two
  lines.
needs: [netns]
prefers: [netns]
pods: {count: 4, callMs: 100, maxConcurrentStreams: 100}
lanes:
  - clusterip
  - &changed {lane: headless, name: pinned, policy: pick_first, optional: true}
  - {lane: client, connectionsPerPod: 5}
load: {callsPerSecond: 1000, inFlight: 250}
policy: round_robin
seconds: 36
calls: 3000
short: {seconds: 4}
steps:
  - {at: 1s, do: scale=5}
  - {at: 50%, do: [slow=echo-2, kill]}
expect:
  - lane: [clusterip, client]
    from: 25%
    at: 90 %
    that:
      share:
        - {pod: busiest, is: 100%}
        - {pod: echo-2, is: <=0.05}
      p99Ms: {is: "<1", over: pinned}
      verdict: ^1 of
    because: it is one connection
`;

test("all that a scenario can say", () => {
  const scenario = readScenario(ALL, "a.yaml");
  assert.deepEqual(scenario.lanes[1], {
    ...{ name: "pinned", lane: "headless", policy: "pick_first" },
    ...{ connectionsPerPod: null, calls: "say", isOptional: true },
  });
  assert.deepEqual(scenario.pods, {
    count: 4,
    settings: { callMs: 100, maxConcurrentStreams: 100 },
  });
  assert.deepEqual(
    [scenario.full, scenario.short],
    [
      { seconds: 36, calls: 3000 },
      { seconds: 4, calls: 3000 },
    ],
  );
  assert.deepEqual(
    scenario.steps.map(({ actions }) => actions.map(({ word }) => word)),
    [["scale"], ["slow", "kill"]],
  );
  const [first, second] = scenario.expectations;
  assert.deepEqual([first!.lane, second!.lane], ["clusterip", "client"]);
  assert.deepEqual(
    first!.claims.map(({ measure, bound, over, pattern }) => [
      ...[measure, bound?.text ?? pattern!.source, over],
    ]),
    [
      ["share", "100%", null],
      ["share", "at most 0.05", null],
      ["p99Ms", "less than 1", "pinned"],
      ["verdict", "^1 of", null],
    ],
  );
  assert.equal(first!.because, "it is one connection");
});

test("an alias is read as what it stands for", () => {
  const text = GOOD.replace(
    "{podsUsed: 3}}",
    "&all {podsUsed: 3}}\n  - {lane: headless, that: *all}",
  );
  const [, second] = readScenario(text, "a.yaml").expectations;
  assert.equal(second!.claims[0]!.bound!.text, "3");
});

/** What is changed in the good one, and what is told of it. */
const BAD: readonly (readonly [found: string, replacement: string, ...told: string[]])[] = [
  ["version: 1", "version: 2", '1:10: version "2": must be 1, the only one that there is'],
  ["version: 1\n", "", "1:1: missing: version"],
  [
    "lanes: [headless, client]",
    "lanes: [headles, client]",
    '5:9: lanes[0] "headles": must be one of LANES: did you mean headless?',
  ],
  ["lanes: [headless, client]", "lanes: []", "5:8: lanes is a list: must be one lane at least"],
  ["lanes: [headless, client]", "lanes: client", '5:8: lanes "client": must be a list of lanes'],
  [
    "lanes: [headless, client]",
    "lanes: [client, client]",
    "5:17: lanes[1]: there is a lane client already: give this one a name",
  ],
  ["pods: 3", "pods: 0", '4:7: pods "0": must be a whole number from 1 to 100'],
  ["pods: 3", "pods: 101", '4:7: pods "101": must be a whole number from 1 to 100'],
  ["pods: 3", "pods: {callMs: 5}", "4:7: pods: count is missing"],
  ["pods: 3", "pods:", "4:6: pods has no value: must be a whole number from 1 to 100"],
  ["seconds: 10", "seconds: 0", '6:10: seconds "0": must be a number of seconds from 0.5 to 3600'],
  [
    "seconds: 10",
    "secunds: 10",
    "6:1: secunds: no such key: allowed are KEYS: did you mean seconds?",
    "1:1: missing: seconds",
  ],
  ["pods: 3", "pods: 3\npods: 4", "5:1: pods: is given twice"],
  [
    "name: slow-pod",
    "name: Slow Pod",
    '2:7: name "Slow Pod": must be a word of small letters, digits and dashes, up to 40 characters',
  ],
  [
    "expect:",
    "steps: [{at: 12s, do: slow}]\nexpect:",
    '7:14: steps[0].at "12s": must be before the end of the load, which is at 10 s',
  ],
  [
    "expect:",
    "steps: [{at: 3, do: slou}]\nexpect:",
    '7:14: steps[0].at "3": must be a time of the load, such as 3s, 500ms or 40%, or end',
    '7:21: steps[0].do "slou": must be one of ACTIONS',
  ],
  ["expect:", "steps: [{at: 3s}]\nexpect:", "7:9: steps[0]: do is missing"],
  ["expect:", "steps: slow\nexpect:", '7:8: steps "slow": must be a list of steps: {at, do}'],
  [
    "lane: client, that",
    "lane: clients, that",
    '8:12: expect[0].lane "clients": must be one of headless, client: did you mean client?',
  ],
  [
    "{podsUsed: 3}",
    "{podUsed: 3}",
    "8:27: expect[0].that.podUsed: no such key: allowed are MEASURES: did you mean podsUsed?",
    "8:26: expect[0].that is a mapping: must be one figure at least: MEASURES",
  ],
  [
    "{podsUsed: 3}",
    "{podsUsed: lots}",
    '8:37: expect[0].that.podsUsed "lots": must be a number, "<=N", ">=N", "<N", ">N", "A..B" or ' +
      '"A±B"; each may have a %',
  ],
  ["{podsUsed: 3}", "{share: {is: 1}}", "8:34: expect[0].that.share: pod is missing"],
  [
    "{podsUsed: 3}",
    "{verdict: '('}",
    '8:36: expect[0].that.verdict "(": must be a regular expression (RE2) of 1 to 200 characters',
  ],
  [
    "that: {podsUsed: 3}",
    "from: 5s, at: 2s, that: {podsUsed: 3}",
    '8:26: expect[0].from "5s": must be before at, which is at 2 s of 10 s',
  ],
  [
    "that: {podsUsed: 3}",
    "at: 11s, that: {podsUsed: 3}",
    '8:24: expect[0].at "11s": must be within the load, which ends at 10 s',
  ],
  [
    "lanes: [headless, client]",
    "lanes: [headless, {lane: client, optional: maybe, policy: best}]",
    '5:44: lanes[1].optional "maybe": must be true or false',
    '5:59: lanes[1].policy "best": must be one of POLICIES',
  ],
  [
    "lanes: [headless, client]",
    "lanes: [{lane: headless, connectionsPerPod: 3}, client]",
    "5:45: lanes[0].connectionsPerPod: only the lanes clusterip, client have such a limit",
  ],
  [
    "lanes: [headless, client]",
    "lanes: [headless, {lane: client, calls: pong}]",
    '5:41: lanes[1].calls "pong": must be one of say, ping, echo-reverse: did you mean ping?',
  ],
  [
    "lanes: [headless, client]",
    "lanes: [headless, client, {lane: http1, calls: ping}]",
    "5:48: lanes[2].calls: the client of the lane http1 calls nothing else",
  ],
  [
    "  - {lane: client",
    "  - that\n  - {lane: client",
    '8:5: expect[0] "that": must be a mapping with lane, from, at, form, that, because',
  ],
];

for (const [found, replacement, ...told] of BAD) {
  test(`${JSON.stringify(replacement)} is told`, () => {
    const lines = problemsWith(found, replacement).map((line) =>
      line
        .replace(/(policy.*: must be one of )[a-z_, ]+/, "$1POLICIES")
        .replace(/(lanes\[\d\] .*: must be one of )[a-z0-9, -]+/, "$1LANES")
        .replace(/(no such key: allowed are )version[\w, ]+/, "$1KEYS")
        .replace(/(allowed are |at least: )podsUsed[\w, ]+/, "$1MEASURES")
        .replace(/(must be one of )slow\[.*/, "$1ACTIONS"),
    );
    assert.deepEqual(lines.toSorted(), told.map((line) => `a.yaml:${line}`).toSorted());
  });
}

test("all problems of a file at once, in the order of its lines", () => {
  const text = GOOD.replace("pods: 3", "pods: x").replace("podsUsed: 3", "failed: none");
  assert.deepEqual(
    problemsOf(text).map((line) => line.replace(/: must be .*/, "")),
    ['a.yaml:4:7: pods "x"', 'a.yaml:8:35: expect[0].that.failed "none"'],
  );
});

test("many problems are a number in the end", () => {
  const text = `${GOOD}${"  - {lane: x}\n".repeat(60)}`;
  const lines = problemsOf(text);
  assert.equal(lines.length, 51);
  assert.equal(lines.at(-1), "a.yaml: 70 more");
});

test("what is no YAML, or no mapping, or too much", () => {
  assert.match(problemsOf("a: [1\nb: 2")[0]!, /^a\.yaml:2:1: not YAML: /);
  assert.deepEqual(
    problemsOf(""),
    ["a.yaml:1:1: the file says nothing: must be a mapping with KEYS"].map((line) =>
      line.replace("KEYS", KEYS),
    ),
  );
  assert.match(problemsOf("- 1")[0]!, /^a\.yaml:1:1: the file is a list: must be a mapping with /);
  assert.deepEqual(problemsOf(`${GOOD}---\n${GOOD}`), [
    "a.yaml:9:1: a file holds one scenario: nothing after ---",
  ]);
  assert.deepEqual(
    problemsWith(
      "podsUsed: 3}}",
      "podsUsed: 3}}\n  - lane: client\n    that:\n      podsUsed: >=3",
    ),
    ['a.yaml:11:18: a value that begins with ">" or "|" stands in quotes: ">=3"'],
  );
  const large = `${GOOD}# ${"x".repeat(SCENARIO_BYTES_MAX)}`;
  assert.match(problemsOf(large)[0]!, /^a\.yaml:1:1: 65\d+ bytes: a scenario has at most 65536$/);
});

test("a file of keys without end, and aliases that multiply, are read in no time", () => {
  const keys = Array.from({ length: 9000 }, (_, i) => `k${i}:`).join("\n");
  assert.equal(problemsOf(keys).length, 51);
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a]\nlanes: [*b, *b, *b]\n`;
  assert.ok(problemsOf(bomb).length > 0);
  const loop = `lanes: &l [*l, *l]\nexpect: &e [{lane: x, that: *e}]\n`;
  assert.ok(problemsOf(loop).length > 0);
});

const KEYS =
  "version, name, title, row, story, needs, prefers, pods, lanes, load, policy, seconds, calls, " +
  "short, steps, expect";
