/**
 * A missing peer skips a test by name with the reason; with FAIRLEAD_REQUIRE_PEERS=1 it fails it.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { findPeer, requirePeer } from "./find.ts";
import { recipesDir } from "./paths.ts";

/** TAP of one test that needs h2spec, run in a process whose directory of peers is empty. */
function runWithoutPeers(env: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-find-"));
  try {
    const file = join(dir, "needs.test.mjs");
    writeFileSync(
      file,
      `import { test } from "node:test";
       import { requirePeer } from "${pathToFileURL(join(recipesDir, "find.ts"))}";
       test("needs it", (t) => { if (requirePeer(t, "h2spec") === null) return; });`,
    );
    const { NODE_TEST_CONTEXT: _, FAIRLEAD_REQUIRE_PEERS: __, ...rest } = process.env;
    return spawnSync(process.execPath, ["--test", "--test-reporter=tap", file], {
      encoding: "utf8",
      env: { ...rest, FAIRLEAD_PEERS_DIR: dir, ...env },
    }).stdout;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const REASON = "peer h2spec is missing: run npm run peers";
const here = join(recipesDir, "node", "storm-client.ts");

test("a peer that is there is found with its path and its version", () => {
  assert.deepEqual(findPeer("storm-client.ts"), { path: here, version: "own" });
});

test("a name that nobody knows is a mistake of the caller, not a missing peer", () => {
  assert.throws(() => findPeer("h2sepc"), /no peer h2sepc; known: .*h2spec/);
});

test("a test whose peer is there gets the path and is not skipped", () => {
  const skips: unknown[] = [];
  const path = requirePeer({ skip: (message) => skips.push(message) }, "storm-client.ts");
  assert.equal(path, here);
  assert.deepEqual(skips, []);
});

test("a test whose peer is missing is skipped by name with the reason", () => {
  const tap = runWithoutPeers({});
  assert.match(tap, new RegExp(`^ok 1 - needs it # SKIP ${REASON}`, "m"));
  assert.match(tap, /^# fail 0$/m);
});

test("with FAIRLEAD_REQUIRE_PEERS=1 a missing peer fails the test", () => {
  const tap = runWithoutPeers({ FAIRLEAD_REQUIRE_PEERS: "1" });
  assert.match(tap, /^not ok 1 - needs it/m);
  assert.ok(tap.includes(REASON));
});
