/**
 * Keys of the terminal: what they do, and that the terminal is put back.
 */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { type KeyInput, readKeys } from "./keys.ts";

function terminal() {
  const states: string[] = [];
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => states.push(isRaw ? "raw" : "cooked"),
    resume: () => states.push("on"),
    pause: () => states.push("off"),
  });
  return { input: input as typeof input & KeyInput, states };
}

test("plus and minus scale, letters act, Ctrl-C and Ctrl-\\ are signals, the rest is nothing", () => {
  const { input, states } = terminal();
  const done: string[] = [];
  const close = readKeys(input, {
    scaleBy: (change) => done.push(String(change)),
    press: (word) => done.push(word),
    signal: (name) => done.push(name),
  });
  input.emit("data", Buffer.from("+x-=\x1b[A\x1bOp\x1b[1;5s"));
  input.emit("data", Buffer.from("\x03"));
  input.emit("data", Buffer.from("\x1c"));
  assert.deepEqual(done, ["1", "-1", "1", "SIGINT", "SIGQUIT"]);
  input.emit("data", Buffer.from("snkrp"));
  assert.deepEqual(done.splice(5), ["slow", "not-serving", "kill", "roll", "replica"]);
  close();
  input.emit("data", Buffer.from("+"));
  assert.equal(done.length, 5);
  assert.deepEqual(states, ["raw", "on", "cooked", "off"]);
  assert.equal(process.listenerCount("exit"), 0);
});
