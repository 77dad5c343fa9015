/** Tests of the words for what code of users threw. */
import assert from "node:assert/strict";
import test from "node:test";
import { reasonOf } from "./reason.ts";

const unreadable = Object.defineProperty(new Error(), "message", {
  get() {
    throw new Error("again");
  },
});
const speechless = {
  toString() {
    throw new Error("again");
  },
};

const CASES: readonly (readonly [what: string, thrown: unknown, reason: string])[] = [
  ["an Error", new Error("oops"), "oops"],
  ["text", "oops", "oops"],
  ["nothing", undefined, "undefined"],
  ["a symbol", Symbol("s"), "Symbol(s)"],
  ["an Error whose message is none", Object.assign(new Error(), { message: 5 }), "5"],
  ["an object without a prototype", Object.create(null), "what was thrown has no text"],
  ["an Error with a throwing message", unreadable, "what was thrown has no text"],
  ["an object with a throwing toString", speechless, "what was thrown has no text"],
];

for (const [what, thrown, reason] of CASES) {
  test(`${what} has a reason in words`, () => {
    assert.equal(reasonOf(thrown), reason);
  });
}
