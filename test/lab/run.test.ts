/**
 * The lab itself with real pods and real clients, run inside this process: what it measures, and
 * what it says when something between client and pods fails.
 *
 * The proxy lane runs through a substitute here, so that its failures can be staged.
 */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { RecordingLogger, realClock } from "../../src/base/index.ts";
import { type LabDeps, parseLabOptions, type RawLabOptions, runLab } from "../../src/lab/index.ts";
import { processTree } from "../peers/usage.ts";

const SUBSTITUTE = fileURLToPath(new URL("substitute-proxy.ts", import.meta.url));

/** What a test looks at; the keys of the JSON contract. */
interface Report {
  readonly pods: number;
  readonly seconds: number;
  readonly lanes: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly podsUsed: number;
    readonly maxOverMean: number;
    readonly fairness: number;
    readonly calls: number;
    readonly failed: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly connections: number;
    readonly perPod: Readonly<Record<string, number>>;
    readonly steps: readonly { readonly pods: number; readonly podsUsed: number }[];
    readonly failure: string | null;
  }[];
}

/** Ends the labs of a test that failed before it had ended them: its processes are no other's. */
const ends: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(ends.splice(0).map((end) => end())));

/** Starts a lab that prints JSON; `stop` ends it early. */
function startLab(raw: RawLabOptions, change: Partial<LabDeps> = {}) {
  let text = "";
  const stdout = Object.assign(new EventEmitter(), {
    write: (part: string) => {
      text += part;
    },
  });
  const abort = new AbortController();
  const log = new RecordingLogger();
  const exitCode = runLab(parseLabOptions({ page: "none", output: "json", ...raw }), {
    clock: realClock(),
    log,
    stdout,
    style: { hasColour: false, hasUnicode: true },
    stop: abort.signal,
    fairlead: [process.execPath, SUBSTITUTE],
    ...change,
  });
  ends.push(() => {
    abort.abort();
    return exitCode.catch(() => {});
  });
  return { exitCode, log, stop: () => abort.abort(), report: () => JSON.parse(text) as Report };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    assert.ok(tries < 1200, "it did not come to be within 60 s");
    await sleep(50);
  }
}

/** The command line of a process; empty when it is gone. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

test("a connection through a ClusterIP reaches one pod; the other ways reach all", async () => {
  const named = ["clusterip", "static", "headless", "client", "proxy", "nested"];
  const lab = startLab({ once: true, seconds: "5", pods: "3", lanes: named.join() });
  assert.equal(await lab.exitCode, 0);
  const { pods, seconds, lanes } = lab.report();
  assert.equal(pods, 3);
  assert.ok(seconds >= 5);
  assert.deepEqual(
    lanes.map((lane) => lane.name),
    named,
  );
  for (const lane of lanes) {
    assert.ok(lane.calls > 100, `${lane.name}: ${lane.calls} calls`);
    assert.equal(lane.failed, 0, lane.verdict);
    const answered = Object.values(lane.perPod).reduce((sum, calls) => sum + calls, 0);
    assert.equal(answered, lane.calls);
    assert.ok(lane.p50Ms > 0 && lane.p99Ms >= lane.p50Ms);
  }
  const [clusterip, list, headless, client, proxy, nested] = lanes;
  assert.match(
    clusterip!.verdict,
    /^1 of 3 pods used: one connection, so every call went to echo-\d$/,
  );
  assert.equal(clusterip!.podsUsed, 1);
  assert.equal(clusterip!.maxOverMean, 3);
  assert.equal(clusterip!.connections, 1);
  for (const lane of [list!, headless!, client!, proxy!, nested!]) {
    assert.match(lane.verdict, /^3 of 3 pods used evenly: /);
    assert.ok(lane.maxOverMean < 1.1, `${lane.name}: ${lane.maxOverMean}`);
    assert.equal(lane.podsUsed, 3);
    assert.ok(lane.fairness > 0.99);
  }
  assert.equal(list!.connections, 3);
  assert.equal(headless!.connections, 3);
  assert.equal(client!.connections, 3);
  assert.equal(proxy!.connections, 1);
});

test("from 3 pods to 6 and to 2: names that are resolved once do not see pods that come", async () => {
  const lab = startLab({
    ...{ once: true, scale: "3,6,2", scaleEvery: "3" },
    lanes: "clusterip,static,headless",
  });
  assert.equal(await lab.exitCode, 0, JSON.stringify(lab.log.entries));
  const { pods, lanes } = lab.report();
  assert.equal(pods, 2);
  const used = (lane: number): unknown =>
    lanes[lane]!.steps.map((step) => [step.pods, step.podsUsed]);
  assert.deepEqual(used(1), [
    [3, 3],
    [6, 3],
    [2, 2],
  ]);
  assert.deepEqual(used(2), [
    [3, 3],
    [6, 3],
    [2, 2],
  ]);
  for (const lane of lanes) {
    assert.deepEqual(
      Object.keys(lane.perPod),
      [1, 2, 3, 4, 5, 6].map((n) => `echo-${n}`),
    );
  }
  assert.deepEqual(processTree(process.pid), [process.pid]);
});

test("a lane that cannot start says why, the others run, and the exit code is 1", async () => {
  const lab = startLab(
    { once: true, seconds: "1", pods: "2", lanes: "static,proxy" },
    { fairlead: ["/nonexistent/fairlead"] },
  );
  assert.equal(await lab.exitCode, 1);
  const [list, proxy] = lab.report().lanes;
  assert.equal(list!.podsUsed, 2);
  assert.match(proxy!.verdict, /^did not run: fairlead proxy could not be started: .*ENOENT/);
  assert.equal(proxy!.calls, 0);
  assert.deepEqual(proxy!.perPod, { "echo-1": 0, "echo-2": 0 });
});

test("a lane that opens after the others began begins when it is open", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "fairlead-late-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const begun = join(directory, "begun");
  const wait = 'until [ -e "$0" ]; do sleep 0.1; done; exec "$@"';
  const lab = startLab(
    { once: true, seconds: "10", pods: "2", lanes: "static,proxy", page: "127.0.0.1:0" },
    { fairlead: ["sh", "-c", wait, begun, process.execPath, SUBSTITUTE] },
  );
  await until(() => lab.log.entries.some(({ msg }) => msg === "page"));
  writeFileSync(begun, "");
  assert.equal(await lab.exitCode, 0);
  const [list, proxy] = lab.report().lanes;
  assert.deepEqual([proxy!.podsUsed, proxy!.failed], [2, 0], proxy!.verdict);
  assert.ok(proxy!.calls > 0 && proxy!.calls < list!.calls, `${proxy!.calls} calls`);
});

test("a proxy that ends at once is the reason, with its own last words", async () => {
  const script = 'console.error("no such policy"); process.exit(2)';
  const lab = startLab(
    { once: true, seconds: "1", pods: "1", lanes: "proxy" },
    { fairlead: [process.execPath, "-e", script, "--"] },
  );
  assert.equal(await lab.exitCode, 1);
  assert.match(lab.report().lanes[0]!.verdict, /ended with exit code 2: no such policy$/);
});

test("a proxy that dies under load: failed calls and the reason show", async () => {
  const lab = startLab({ pods: "2", lanes: "proxy", page: "127.0.0.1:0" });
  await until(() => lab.log.entries.some((entry) => entry.msg === "page"));
  await sleep(1000);
  const pids = processTree(process.pid).filter((pid) => commandOf(pid).includes(SUBSTITUTE));
  assert.equal(pids.length, 1);
  process.kill(pids[0]!, "SIGKILL");
  await sleep(1000);
  lab.stop();
  assert.equal(await lab.exitCode, 1);
  const [proxy] = lab.report().lanes;
  assert.match(proxy!.verdict, /broke off: fairlead proxy ended by SIGKILL$/);
  assert.ok(proxy!.failed > 0);
});

test("stopped before it began: no report, no process left", async () => {
  const lab = startLab({ pods: "2" });
  lab.stop();
  assert.equal(await lab.exitCode, 0);
  assert.throws(lab.report, SyntaxError);
  assert.deepEqual(processTree(process.pid), [process.pid]);
});

test("two labs at once have ports of their own", async () => {
  const both = [1, 2].map(() => startLab({ once: true, seconds: "1", pods: "2", lanes: "static" }));
  for (const lab of both) {
    assert.equal(await lab.exitCode, 0, JSON.stringify(lab.log.entries));
    assert.equal(lab.report().lanes[0]!.failed, 0);
  }
  assert.deepEqual(processTree(process.pid), [process.pid]);
});
