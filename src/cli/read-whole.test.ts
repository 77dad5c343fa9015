/** Files that are no files, and that have no end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readWhole } from "./read-whole.ts";

test("a file without an end is read as far as the limit", async () => {
  await assert.rejects(readWhole("/dev/zero", "--file /dev/zero", 1_000_000), {
    name: "CommandError",
    message: "--file /dev/zero: more than 1000000 bytes",
  });
});

test("what cannot be read is named", async () => {
  const missing = new URL("none", import.meta.url).pathname;
  await assert.rejects(readWhole(missing, "none", 10), {
    message: "none: cannot be read: no such file",
  });
  await assert.rejects(readWhole(import.meta.dirname, "here", 10), {
    message: /^here: cannot be read: EISDIR/,
  });
  assert.equal(await readWhole("/dev/null", "nothing", 10), "");
});
