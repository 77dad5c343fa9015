/**
 * Tests of the words of actions. What the options refuse, and how, is in `options.test.ts`, too.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { actionText, loadAfter, pressed } from "./actions.ts";
import { ActionError, parseAction } from "./read-action.ts";

const LIMITS = {
  podsMax: 100,
  lanes: ["clusterip", "client"],
  policies: ["round_robin", "least_request"],
};

test("every action reads as it is written", () => {
  const texts = [
    ...["slow", "slow=echo-3", "heal", "not-serving", "serving=echo-12", "kill", "roll"],
    ...["sick", "sick=echo-2", "well", "well=echo-2", "drain", "drain=echo-1"],
    ...["scale=7", "load=5000", "in-flight=1", "policy=least_request", "replica", "reset"],
    ...["lane=client", "lane=-client", "peers=on", "peers=off", "outliers=on", "outliers=off"],
  ];
  for (const text of texts) assert.equal(actionText(parseAction(text, LIMITS)), text);
});

test("numbers are bounded by what the lab can have", () => {
  const few = { ...LIMITS, podsMax: 5 };
  assert.equal(parseAction("scale=5", few).count, 5);
  assert.throws(() => parseAction("scale=6", few), ActionError);
});

const REFUSED: readonly [string, RegExp][] = [
  ["bogus", /^"bogus": must be one of slow\[=POD\], .*, lane=-NAME, peers=on, .*outliers=off$/],
  // Scenario files said what was meant, and --events did not.
  ["slo=echo-2", /^"slo=echo-2": must be one of slow\[=POD\], .*: did you mean slow\?$/],
  ["policy=round_robbin", /^"policy=round_robbin": .*: did you mean round_robin\?$/],
  ["lane=-cleint", /^"lane=-cleint": .*, NAME one of clusterip, client: did you mean client\?$/],
  ["load=0", /^"load=0": must be load=N, N a whole number from 1 to 5000$/],
  ["load=5001", /^"load=5001": must be load=N, N a whole number from 1 to 5000$/],
  ["load", /^"load": must be load=N/],
  ["load=1e3", /^"load=1e3": must be load=N/],
  ["in-flight=1001", /^"in-flight=1001": must be in-flight=N, N a whole number from 1 to 1000$/],
  ["policy=magic", /^"policy=magic": must be policy=NAME, NAME one of round_robin, least_request$/],
  ["policy", /^"policy": must be policy=NAME/],
  [
    "lane=x",
    /^"lane=x": must be lane=NAME to add one or lane=-NAME to .* one of clusterip, client$/,
  ],
  ["lane=--client", /^"lane=--client": must be lane=NAME/],
  ["lane", /^"lane": must be lane=NAME/],
  ["peers", /^"peers": must be peers=X, X one of on, off$/],
  ["outliers=1", /^"outliers=1": must be outliers=X, X one of on, off$/],
  ["reset=now", /^"reset=now": reset takes no value$/],
  ["sick=2", /^"sick=2": must be sick, or sick=POD with a pod such as echo-1$/],
];

for (const [text, sentence] of REFUSED) {
  test(`refused: ${text}`, () => {
    const isSaid = (error: unknown): boolean =>
      error instanceof ActionError && sentence.test(error.message);
    assert.throws(() => parseAction(text, LIMITS), isSaid);
  });
}

test("a key pressed again undoes slow and NOT_SERVING, and nothing else", () => {
  const word = (...args: Parameters<typeof pressed>): string => pressed(...args).word;
  assert.equal(word("slow", { slow: 0, notServing: 1 }), "slow");
  assert.equal(word("slow", { slow: 2, notServing: 0 }), "heal");
  assert.equal(word("not-serving", { slow: 1, notServing: 0 }), "not-serving");
  assert.equal(word("not-serving", { slow: 0, notServing: 1 }), "serving");
  assert.equal(word("kill", { slow: 1, notServing: 1 }), "kill");
  const usual = { slow: 0, notServing: 0 };
  assert.equal(actionText(pressed("peers", usual)), "peers=on");
  assert.equal(actionText(pressed("peers", { ...usual, hasPeers: true })), "peers=off");
});

test("a key doubles or halves the load, within what a lane can make", () => {
  assert.equal(loadAfter(300, 1), 600);
  assert.equal(loadAfter(300, -1), 150);
  assert.equal(loadAfter(3000, 1), 5000);
  assert.equal(loadAfter(1, -1), 1);
});
