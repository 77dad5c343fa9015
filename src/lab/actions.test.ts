/**
 * Tests of the words of actions. What is refused, and how, is in `options.test.ts`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ActionError, actionText, parseAction, pressed } from "./actions.ts";

test("every action reads as it is written", () => {
  const texts = ["slow", "slow=echo-3", "heal", "not-serving", "serving=echo-12", "kill", "roll"];
  for (const text of [...texts, "scale=7", "replica"]) {
    assert.equal(actionText(parseAction(text, 100)), text);
  }
});

test("scale is bounded by what the lab can have", () => {
  assert.equal(parseAction("scale=5", 5).pods, 5);
  assert.throws(() => parseAction("scale=6", 5), ActionError);
});

test("a key pressed again undoes slow and NOT_SERVING, and nothing else", () => {
  const word = (...args: Parameters<typeof pressed>): string => pressed(...args).word;
  assert.equal(word("slow", { slow: 0, notServing: 1 }), "slow");
  assert.equal(word("slow", { slow: 2, notServing: 0 }), "heal");
  assert.equal(word("not-serving", { slow: 1, notServing: 0 }), "not-serving");
  assert.equal(word("not-serving", { slow: 0, notServing: 1 }), "serving");
  assert.equal(word("kill", { slow: 1, notServing: 1 }), "kill");
});
