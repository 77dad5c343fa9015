/**
 * Tests of drawing in place, against a terminal that remembers what was written.
 */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { Screen } from "./screen.ts";

/** A terminal that remembers what was written. */
class Recorder extends EventEmitter {
  columns = 80;
  rows = 24;
  text = "";
  write(text: string): boolean {
    this.text += text;
    return true;
  }
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }
}

test("a block is drawn over its predecessor", () => {
  const terminal = new Recorder();
  const screen = new Screen(terminal, () => {});
  terminal.take();
  screen.draw(["one", "two"]);
  assert.ok(terminal.take().includes("\r\x1b[2Kone\r\n\x1b[2Ktwo\r\n\x1b[J"));
  screen.draw(["three"]);
  assert.ok(terminal.take().includes("\r\x1b[2A\x1b[2Kthree\r\n\x1b[J"));
});

test("the cursor is hidden while it lives and shown after, once", () => {
  const terminal = new Recorder();
  const screen = new Screen(terminal, () => {});
  assert.ok(terminal.take().includes("\x1b[?25l"));
  screen.close();
  assert.ok(terminal.take().includes("\x1b[?25h"));
  screen.close();
  screen.draw(["late"]);
  assert.equal(terminal.take(), "");
  assert.equal(terminal.listenerCount("resize"), 0);
});

test("after a change of size it begins on a clean screen and draws at once", () => {
  const terminal = new Recorder();
  let redrawn = 0;
  const screen = new Screen(terminal, () => {
    redrawn += 1;
    screen.draw(["again"]);
  });
  screen.draw(["a", "b", "c"]);
  terminal.take();
  terminal.emit("resize");
  assert.equal(redrawn, 1);
  const text = terminal.take();
  assert.ok(text.startsWith("\x1b[H\x1b[2J"));
  assert.ok(text.includes("\r\x1b[2Kagain\r\n"));
  assert.ok(!text.includes("\x1b[3A"));
  screen.close();
});
