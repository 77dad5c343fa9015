/**
 * The lane `proxyless`: stock clients with an `xds:///` target, told by `fairlead control`; by
 * Python where it has grpcio, otherwise by grpc-js-xds, and where there is neither it says so.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { FAIRLEAD } from "../cli/harness.ts";
import { requirePeer } from "../peers/find.ts";
import { runProcess, stopAll } from "../peers/processes.ts";

after(() => stopAll());

async function proxyless(python: string, expectedCode = 0) {
  const args = ["lab", "--once", "--seconds", "5", "--pods", "3", "--lanes", "proxyless"];
  const env = { FAIRLEAD_LAB_PYTHON: python };
  const { code, stdout, stderr } = await runProcess(
    FAIRLEAD,
    [...args, "--page", "none", "-o", "json"],
    { env },
  );
  assert.equal(code, expectedCode, stderr);
  const [lane] = JSON.parse(stdout).lanes;
  assert.equal(lane.name, "proxyless");
  return lane;
}

function assertEven(lane: Record<string, number>): void {
  assert.deepEqual([lane.podsUsed, lane.failed], [3, 0], JSON.stringify(lane));
  // A machine that is short makes few; nine in turn are even already.
  assert.ok(lane.calls! > 8, `${lane.calls} calls`);
  assert.ok(lane.maxOverMean! < 1.3, `${lane.maxOverMean}`);
}

test("Python balances itself over all pods", async (t) => {
  const python = requirePeer(t, "python-grpcio");
  if (python === null) return;
  const lane = await proxyless(python);
  assertEven(lane);
  assert.match(lane.verdict, /; client: grpcio of Python$/);
});

test("grpc-js-xds does where there is no Python", async () => {
  const lane = await proxyless("");
  assertEven(lane);
  assert.match(lane.verdict, /; client: grpc-js with grpc-js-xds$/);
});

// It ran with another client, and no word said which.
test("a Python that is named and has no grpcio is said, and nothing runs in its place", async () => {
  const { verdict } = await proxyless("/nowhere/python", 1);
  assert.match(
    verdict,
    /^did not run: FAIRLEAD_LAB_PYTHON \/nowhere\/python: no Python with grpcio/,
  );
});
