/**
 * Tests of the options of `fairlead lab`: defaults, and one clear line for each bad value.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LabOptionError, parseLabOptions, type RawLabOptions } from "./options.ts";

test("defaults: 12 pods, four lanes, until stopped, the page on its usual port if free", () => {
  assert.deepEqual(parseLabOptions({}), {
    once: false,
    seconds: null,
    ...{ scale: [12], scaleEverySeconds: 10 },
    ...{ awaitsOutcomes: false, events: [] },
    lanes: ["clusterip", "headless", "client", "proxy"],
    podLanguage: "node",
    ...{ callsPerSecond: 300, inFlight: 10, policy: "weighted_round_robin", hasPeers: false },
    page: { host: "127.0.0.1", port: 7480, isExplicit: false },
    ...{ hasNetns: false, output: "table" },
  });
});

test("--once runs 10 seconds unless told otherwise", () => {
  assert.equal(parseLabOptions({ once: true }).seconds, 10);
  assert.equal(parseLabOptions({ once: true, seconds: "2.5" }).seconds, 2.5);
});

test("--scale is several numbers of pods; --once lasts as long as they do", () => {
  const options = parseLabOptions({ scale: "3, 12,5", scaleEvery: "4", once: true });
  assert.deepEqual(options.scale, [3, 12, 5]);
  assert.equal(options.scaleEverySeconds, 4);
  assert.equal(options.seconds, 12);
  assert.equal(parseLabOptions({ scale: "3,12", once: true }).seconds, 20);
  assert.equal(parseLabOptions({ scale: "3,12", scaleEvery: "2", once: true }).seconds, 4);
  assert.equal(parseLabOptions({ scale: "3,12" }).seconds, null);
});

test("--events come in the order of time; --once lasts at least 5 s beyond them", () => {
  const options = parseLabOptions({
    events: "8s:kill=echo-2, 2.5s:slow,500ms:scale=4",
    once: true,
  });
  assert.deepEqual(
    options.events.map(({ atMs, action }) => [atMs, action.word, action.pod, action.count]),
    [
      [500, "scale", null, 4],
      [2500, "slow", null, null],
      [8000, "kill", "echo-2", null],
    ],
  );
  assert.deepEqual([options.seconds, options.awaitsOutcomes], [13, true]);
  const early = parseLabOptions({ events: "1s:roll", once: true });
  assert.deepEqual([early.seconds, early.awaitsOutcomes], [10, true]);
  const given = parseLabOptions({ events: "1s:roll", once: true, seconds: "3" });
  assert.deepEqual([given.seconds, given.awaitsOutcomes], [3, false]);
  assert.equal(parseLabOptions({ events: "1s:roll" }).awaitsOutcomes, false);
});

test("lanes are run in the order they are named, each once", () => {
  assert.deepEqual(parseLabOptions({ lanes: "proxy, static,proxy" }).lanes, ["proxy", "static"]);
});

test("--netns adds the lane sidecar, unless lanes are named", () => {
  const all = ["clusterip", "headless", "client", "proxy", "sidecar"];
  assert.deepEqual(parseLabOptions({ netns: true }).lanes, all);
  const named = parseLabOptions({ netns: true, lanes: "proxy" });
  assert.deepEqual([named.hasNetns, named.lanes], [true, ["proxy"]]);
});

test("--page takes HOST:PORT, [IPv6]:PORT, PORT and none", () => {
  assert.deepEqual(parseLabOptions({ page: "[::1]:80" }).page, {
    host: "::1",
    port: 80,
    isExplicit: true,
  });
  assert.equal(parseLabOptions({ page: "9000" }).page?.host, "127.0.0.1");
  assert.equal(parseLabOptions({ page: "none" }).page, null);
});

const BAD: readonly [RawLabOptions, RegExp][] = [
  [{ scale: "3,0" }, /^--scale "0": must be a whole number from 1 to 100$/],
  [{ scale: "" }, /^--scale ""/],
  [{ scale: "3", pods: "3" }, /^--pods beside --scale: give one of them/],
  [{ scaleEvery: "3" }, /^--scale-every: needs --scale/],
  [{ scale: "3", scaleEvery: "0" }, /^--scale-every "0": must be a number above 0/],
  [{ podLanguage: "rust" }, /^--pod-language "rust": must be one of node, go, python$/],
  [{ podLanguage: "go", pods: "25" }, /^--pod-language "go": needs --pods 1 to 24, since each/],
  [{ seconds: "0" }, /^--seconds "0": must be a number above 0/],
  [{ seconds: "ten" }, /^--seconds "ten"/],
  [{ seconds: "1e9" }, /^--seconds "1e9"/],
  [{ pods: "0" }, /^--pods "0": must be a whole number from 1 to 100$/],
  [{ pods: "1.5" }, /^--pods "1.5"/],
  [{ pods: "101" }, /^--pods "101"/],
  [
    { lanes: "static,bogus" },
    /^--lanes "bogus": no such lane; there are clusterip, http1, static, .*, nginx, haproxy$/,
  ],
  [
    { lanes: "clustrip" },
    /^--lanes "clustrip": no such lane; .*haproxy: did you mean clusterip\?$/,
  ],
  [{ podLanguage: "nod" }, /^--pod-language "nod": must be one of .*: did you mean node\?$/],
  [{ policy: "round-robin" }, /^--policy "round-robin": .*: did you mean round_robin\?$/],
  [{ output: "jsn" }, /^--output "jsn": must be one of table, json: did you mean json\?$/],
  [{ events: "3s:slo=echo-2" }, /^--events "slo=echo-2": must be one of .*: did you mean slow\?$/],
  [{ events: "" }, /^--events "": must be TIME:ACTION, such as 3s:slow/],
  [{ events: "3:slow" }, /^--events "3:slow": must be TIME:ACTION/],
  [{ events: "3s:slow," }, /^--events "": must be TIME:ACTION/],
  [{ events: "3s:bogus" }, /^--events "bogus": must be one of slow\[=POD\], .*, roll, .*, scale=N/],
  [{ events: "3s:scale" }, /^--events "scale": must be scale=N, .* from 1 to 100$/],
  [{ events: "3s:scale=101" }, /^--events "scale=101"/],
  [{ events: "3s:roll=echo-1" }, /^--events "roll=echo-1": roll takes no value$/],
  [{ events: "3s:kill=2" }, /^--events "kill=2": must be kill, or kill=POD/],
  [{ events: "3s:roll", seconds: "3" }, /^--events "3s:roll": the last one is not before --sec/],
  [{ load: "0" }, /^--load "0": must be a whole number from 1 to 5000$/],
  [{ load: "5001" }, /^--load "5001": must be a whole number from 1 to 5000$/],
  [{ inFlight: "1001" }, /^--in-flight "1001": must be a whole number from 1 to 1000$/],
  [{ inFlight: "many" }, /^--in-flight "many": must be a whole number from 1 to 1000$/],
  [{ policy: "best" }, /^--policy "best": must be one of pick_first, round_robin/],
  [{ lanes: "" }, /^--lanes ""/],
  [{ page: "127.0.0.1" }, /^--page "127.0.0.1": must be HOST:PORT/],
  [{ page: "127.0.0.1:70000" }, /^--page "127.0.0.1:70000"/],
  [{ output: "yaml" }, /^--output "yaml": must be one of table, json$/],
];

for (const [raw, message] of BAD) {
  test(`refused in one line: ${JSON.stringify(raw)}`, () => {
    assert.throws(
      () => parseLabOptions(raw),
      (error: Error) => {
        assert.ok(error instanceof LabOptionError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  });
}
