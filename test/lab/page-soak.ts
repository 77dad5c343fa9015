/**
 * `npm run soak`: the page of a lab with 100 pods, open in a real browser for a minute. It says how
 * busy the page's main thread was and how its memory grew, and ends with 1 where that is too much.
 *
 *     node test/lab/page-soak.ts [--pods 100] [--seconds 60] [--lanes a,b,c,d]
 *
 * Not a test of `npm test`: a minute is long, and time is what it measures. It counts the time that
 * the thread ran, not that it waited for a core, so other work on the machine changes little.
 */
import { parseArgs } from "node:util";
import type { CDPSession } from "playwright-core";
import { findPeer } from "../peers/find.ts";
import { openBrowser, picture, startLab, watch } from "./page-browser.ts";

/** Of the time, the main thread may be busy so much. */
const BUSY_MAX = 0.15;
/** After garbage collection, from the first look to the last. */
const GROWTH_BYTES_MAX = 4 << 20;
/** The page has drawn everything once, and its history is full of what comes and goes. */
const WARM_UP_MS = 15_000;

/** What a browser says of a page. */
interface Metrics {
  readonly atMs: number;
  /** That the main thread ran. */
  readonly taskMs: number;
  readonly scriptMs: number;
  readonly heapBytes: number;
  readonly nodes: number;
}

async function measure(session: CDPSession): Promise<Metrics> {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const value = (name: string): number => metrics.find((each) => each.name === name)!.value;
  return {
    atMs: performance.now(),
    taskMs: value("TaskDuration") * 1000,
    scriptMs: value("ScriptDuration") * 1000,
    heapBytes: value("JSHeapUsedSize"),
    nodes: value("Nodes"),
  };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      pods: { type: "string", default: "100" },
      seconds: { type: "string", default: "60" },
      lanes: { type: "string", default: "clusterip,headless,client,proxy" },
    },
  });
  const peer = findPeer("chromium");
  if (peer === null) throw new Error("no chromium here: npm run peers installs it");
  const lab = await startLab(["--pods", values.pods, "--lanes", values.lanes]);
  const browser = await openBrowser(peer.path);
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    const { complaints } = watch(page);
    let deltas = 0;
    const session = await page.context().newCDPSession(page);
    session.on("Network.eventSourceMessageReceived", () => {
      deltas += 1;
    });
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.goto(lab.url);
    await page.locator(".verdict", { hasText: "pods used" }).first().waitFor();
    await page.waitForTimeout(WARM_UP_MS);
    const before = await measure(session);
    await session.send("Network.enable");
    deltas = 0;
    await page.waitForTimeout(Number(values.seconds) * 1000);
    const updates = deltas;
    await session.send("Network.disable");
    const after = await measure(session);
    await picture(page, `soak-${values.pods}`);
    const spanMs = after.atMs - before.atMs;
    const busy = (after.taskMs - before.taskMs) / spanMs;
    const growthBytes = after.heapBytes - before.heapBytes;
    const report = {
      ...{ pods: Number(values.pods), seconds: Math.round(spanMs / 1000) },
      updatesPerSecond: Number(((updates * 1000) / spanMs).toFixed(1)),
      busyPercent: Number((busy * 100).toFixed(1)),
      scriptPercent: Number((((after.scriptMs - before.scriptMs) / spanMs) * 100).toFixed(1)),
      heapMiB: [before.heapBytes, after.heapBytes].map((bytes) =>
        Number((bytes / 2 ** 20).toFixed(1)),
      ),
      nodes: [before.nodes, after.nodes],
      complaints,
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    const isFine = busy <= BUSY_MAX && growthBytes <= GROWTH_BYTES_MAX && complaints.length === 0;
    return isFine ? 0 : 1;
  } finally {
    await Promise.all([browser.close(), lab.process.stop(10_000)]);
  }
}

process.exitCode = await main();
