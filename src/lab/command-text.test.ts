/** Tests of the command lines that repeat a run, and do in a new lab what was done in one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandText, newLabText } from "./command-text.ts";
import { ACTION_LIMITS, parseLabOptions, type RawLabOptions } from "./options.ts";
import { parseTimedActions } from "./read-action.ts";

const SHOWN: readonly [RawLabOptions, string][] = [
  [{}, "bin/fairlead lab --pods 12 --lanes clusterip,headless,client,proxy"],
  [
    { once: true, lanes: "client", page: "none", output: "json" },
    "bin/fairlead lab --once --seconds 10 --pods 12 --lanes client --page none -o json",
  ],
  [
    { scale: "3,12", events: "2.5s:slow=echo-1,3s:lane=-client", lanes: "client,proxy" },
    "bin/fairlead lab --scale 3,12 --scale-every 10 --lanes client,proxy " +
      "--events 2.5s:slow=echo-1,3s:lane=-client",
  ],
  [
    { load: "50", inFlight: "3", policy: "round_robin", peers: true, lanes: "nested" },
    "bin/fairlead lab --pods 12 --lanes nested --load 50 --in-flight 3 " +
      "--policy round_robin --peers",
  ],
  [
    { once: true, events: "3s:roll", lanes: "client" },
    "bin/fairlead lab --once --pods 12 --lanes client --events 3s:roll",
  ],
  [
    { seconds: "60", page: "[::1]:8080", lanes: "client" },
    "bin/fairlead lab --seconds 60 --pods 12 --lanes client --page [::1]:8080",
  ],
];

for (const [raw, text] of SHOWN) {
  test(text, () => assert.equal(commandText(parseLabOptions(raw)), text));
}

const done = (atMs: number, event: string, isOutcome = false) => ({ atMs, event, isOutcome });

/**
 * A lab with `--seconds 22 --events 3s:kill -o json --page ...` offered `--events 3s:kill,3s:kill`,
 * two kills at once, on the port that it held itself; of "sick, then eject" only the latter was
 * left, at 3 s.
 */
test("a new lab does what was done to this one, at its times, each once, on a port of its own", () => {
  const options = parseLabOptions({
    ...{ seconds: "22", once: true, output: "json", page: "127.0.0.1:7490", lanes: "client" },
    ...{ events: "3s:kill,20s:roll", load: "50" },
  });
  const events = [
    ...[done(3004, "kill=echo-7"), done(4100, "replaced=echo-7", true)],
    ...[done(6243, "sick=echo-2"), done(7000, "died=echo-3"), done(9987, "outliers=on")],
  ];
  const text = newLabText(options, events, options.events.slice(1));
  assert.equal(
    text,
    "bin/fairlead lab --pods 12 --lanes client --load 50 " +
      "--events 3s:kill=echo-7,6.2s:sick=echo-2,10s:outliers=on,20s:roll",
  );
  const { events: again } = parseLabOptions({ events: text.split(" --events ")[1]! });
  assert.deepEqual(
    again.map(({ atMs, action }) => [atMs, action.word]),
    [
      [3000, "kill"],
      [6200, "sick"],
      [10_000, "outliers"],
      [20_000, "roll"],
    ],
  );
});

test("steps of --scale are among what was done; before anything is there are no --events", () => {
  const options = parseLabOptions({ scale: "3,12,5", scaleEvery: "4", lanes: "client" });
  assert.equal(newLabText(options, [], []), "bin/fairlead lab --pods 3 --lanes client");
  const toCome = parseTimedActions("8s:scale=5", ACTION_LIMITS);
  assert.equal(
    newLabText(options, [done(4001, "scale=12")], toCome),
    "bin/fairlead lab --pods 3 --lanes client --events 4s:scale=12,8s:scale=5",
  );
});

test("of much that was done the latest eight are told", () => {
  const all = Array.from({ length: 20 }, (_, nth) => done(nth * 1000, `load=${nth + 1}`));
  const text = newLabText(parseLabOptions({}), all, []);
  assert.match(text, /--events 12s:load=13,13s:load=14,.*,19s:load=20$/);
});
