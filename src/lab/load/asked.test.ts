/** What callers ask, and whom they take for the one that answered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asked } from "./asked.ts";

const AT = { host: "me", second: 7 };

test("an answer of the pets names client, second and server, or it is none", () => {
  const { text, podOf } = asked("ping", 0, AT);
  assert.equal(text, "me, 7");
  assert.equal(podOf("me, 7, echo-2", ""), "echo-2");
  assert.equal(podOf("me, 6, echo-2", ""), null);
  assert.equal(podOf("echo-2", ""), null);
});

test("echo and reverse are asked in turn; the header tells the pod, the text has to be right", () => {
  const [echo, reverse] = [asked("echo-reverse", 0, AT), asked("echo-reverse", 1, AT)];
  assert.equal(echo.definition.path, "/api.Echo/Echo");
  assert.equal(reverse.definition.path, "/api.Reverse/Reverse");
  assert.equal(echo.podOf("call 0", "echo-1"), "echo-1");
  assert.equal(reverse.podOf("1 llac", "echo-3"), "echo-3");
  assert.equal(reverse.podOf("call 1", "echo-3"), null);
  assert.equal(echo.podOf("call 0", ""), null);
});
