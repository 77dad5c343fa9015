/** The known word that was meant. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, nearestWord } from "./index.ts";

test("up to two wrong letters, and the word is known", () => {
  const known = ["headless", "client", "proxy"];
  assert.equal(nearestWord("headles", known), "headless");
  assert.equal(nearestWord("Cleint", known), "client");
  assert.equal(nearestWord("poxies", known), null);
  assert.equal(nearestWord("x", ["at"]), null);
  assert.equal(nearestWord("p".repeat(64), ["p".repeat(63)]), null);
});

test("a refusal ends with the word that was meant, or as it is", () => {
  assert.equal(didYouMean("headles", ["headless", "client"]), ": did you mean headless?");
  assert.equal(didYouMean("poxies", ["proxy"]), "");
});
