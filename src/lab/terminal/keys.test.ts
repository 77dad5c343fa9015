/**
 * Keys of the terminal: what they do, and that the terminal is put back.
 */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { KEYS_HELP, KEYS_HINT, type KeyInput, readKeys } from "./keys.ts";

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
    loadBy: (change) => done.push(`load ${change}`),
    press: (word) => done.push(word),
    toggleHelp: () => done.push("help"),
    signal: (name) => done.push(name),
  });
  input.emit("data", Buffer.from("+z-=\x1b[A\x1bOp\x1b[1;5s"));
  input.emit("data", Buffer.from("\x03"));
  input.emit("data", Buffer.from("\x1c"));
  assert.deepEqual(done, ["1", "-1", "1", "SIGINT", "SIGQUIT"]);
  input.emit("data", Buffer.from("snkrpdxeo0[]?"));
  assert.deepEqual(done.splice(5), [
    ...["slow", "not-serving", "kill", "roll", "replica", "drain", "sick", "peers"],
    ...["outliers", "reset"],
    ...["load -1", "load 1", "help"],
  ]);
  close();
  input.emit("data", Buffer.from("+"));
  assert.equal(done.length, 5);
  assert.deepEqual(states, ["raw", "on", "cooked", "off"]);
  assert.equal(process.listenerCount("exit"), 0);
});

test("every key is told, in lines of 80 columns", () => {
  for (const line of [KEYS_HINT, ...KEYS_HELP.split("\n")]) assert.ok(line.length <= 80, line);
  for (const key of "+-sxkdnr[]peo0?") assert.ok(KEYS_HELP.includes(`${key} `), key);
});
