/**
 * `npm run pictures`: the README's pictures of the lab, taken from a real run.
 *
 * It starts a lab as a user does, opens its page in a real browser, lets the load run, and writes
 * into docs/pictures/: the page in light and in dark, a moving picture of what happens when pods
 * are added and one dies, and the figures of that very run as JSON. It draws nothing and changes
 * nothing on the page; a run whose lanes did not do as the README says writes no picture.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { findPeer } from "../test/peers/find.ts";
import { startProcess } from "../test/peers/processes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PICTURES = join(ROOT, "docs", "pictures");
const PODS = 12;
const LANES = ["clusterip", "headless", "client", "proxy"] as const;
/** So much of the page that the first four lanes are whole, at the width of a README. */
const VIEWPORT = { width: 1440, height: 1180 };
/** Before the still pictures: every lane has thousands of calls by then. */
const SETTLE_MS = 10_000;
/** A browser that starts may have the load held back; the machine has so long to recover. */
const NOTICE_TIMEOUT_MS = 60_000;
/** Of the moving picture. */
const FRAME_MS = 500;
const FRAMES = 32;
/** What is done to the pods while it is taken, by frame. */
const STEPS: Readonly<Record<number, string>> = { 4: "scale=16", 18: "kill=echo-3" };
const MOVING_WIDTH = 1020;
const WEBP_QUALITY = 60;
const STOP_TIMEOUT_MS = 10_000;
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"],
  ...[
    "--disable-background-networking",
    "--disable-component-update",
    "--force-color-profile=srgb",
  ],
];

/** What the lab prints at its end, as far as it is looked at. */
interface Report {
  readonly lanes: readonly { readonly name: string; readonly verdict: string }[];
}

/** A lab that serves its page. */
interface RunningLab {
  readonly url: string;
  /** Ends it; resolves with what it printed. */
  stop(): Promise<string>;
}

async function startLab(): Promise<RunningLab> {
  const args = ["lab", "--pods", String(PODS), "--lanes", LANES.join(","), "-o", "json"];
  const lab = startProcess(join(ROOT, "bin", "fairlead"), [...args, "--page", "127.0.0.1:0"]);
  const [, url] = await lab.waitFor(/"address":"(http:[^"]+)"/);
  return {
    url: url!,
    stop: async () => {
      await lab.stop(STOP_TIMEOUT_MS);
      return lab.stdout;
    },
  };
}

/** Takes all pictures of one run into `directory`. */
async function take(browser: Browser, directory: string): Promise<Report> {
  const lab = await startLab();
  let printed = "";
  try {
    const page = await browser.newPage({ viewport: VIEWPORT, deviceScaleFactor: 2 });
    await page.goto(lab.url);
    for (const lane of LANES) await page.locator(`[data-lane="${lane}"]`).waitFor();
    await page.waitForTimeout(SETTLE_MS);
    await withoutNotice(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      // Canvases are drawn anew with the next samples.
      await page.waitForTimeout(FRAME_MS);
      const png = await page.screenshot({ type: "png" });
      await sharp(png)
        .png({ palette: true, effort: 10 })
        .toFile(join(directory, `lab-${colorScheme}.png`));
    }
    await page.close();
    await takeMoving(browser, lab.url, directory);
  } finally {
    printed = await lab.stop();
  }
  writeFileSync(join(directory, "lab.json"), printed);
  return JSON.parse(printed) as Report;
}

/** Waits until the page tells of nothing; if it goes on, that belongs into the picture. */
async function withoutNotice(page: Page): Promise<void> {
  const none = page.locator(".notice.none");
  await none.waitFor({ state: "attached", timeout: NOTICE_TIMEOUT_MS }).catch(() => {});
}

/** The moving picture: what a new pod and a dead one are to each lane. */
async function takeMoving(browser: Browser, url: string, directory: string): Promise<void> {
  const page = await browser.newPage({ viewport: VIEWPORT, colorScheme: "light" });
  await page.goto(url);
  await page.locator(`[data-lane="${LANES[0]}"]`).waitFor();
  const frames: Buffer[] = [];
  for (let frame = 0; frame < FRAMES; frame += 1) {
    const step = STEPS[frame];
    if (step !== undefined) await act(url, step);
    frames.push(await still(page));
    await page.waitForTimeout(FRAME_MS);
  }
  await page.close();
  await sharp(frames, { join: { animated: true } })
    .webp({ quality: WEBP_QUALITY, effort: 6, delay: frames.map(() => FRAME_MS), loop: 0 })
    .toFile(join(directory, "lab-moving.webp"));
}

async function still(page: Page): Promise<Buffer> {
  const png = await page.screenshot({ type: "png" });
  return sharp(png).resize({ width: MOVING_WIDTH }).png().toBuffer();
}

async function act(url: string, event: string): Promise<void> {
  const response = await fetch(`${url}act?event=${event}`, { method: "POST" });
  if (!response.ok) throw new Error(`${event}: ${await response.text()}`);
}

/** Throws when the run did not show what the README says of its picture. */
function check({ lanes }: Report): void {
  const verdictOf = (name: string): string =>
    lanes.find((lane) => lane.name === name)?.verdict ?? "not there";
  if (!/^1 of \d+ pods used/.test(verdictOf("clusterip"))) {
    throw new Error(`clusterip: ${verdictOf("clusterip")}`);
  }
  for (const name of ["client", "proxy"]) {
    const [, used, pods] = /^(\d+) of (\d+) pods used/.exec(verdictOf(name)) ?? [];
    if (used === undefined || used !== pods) throw new Error(`${name}: ${verdictOf(name)}`);
  }
}

async function main(): Promise<void> {
  const peer = findPeer("chromium");
  if (peer === null) throw new Error("no chromium here: npm run peers installs it");
  const fresh = `${PICTURES}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const browser = await chromium.launch({ executablePath: peer.path, args: FLAGS });
  try {
    check(await take(browser, fresh));
    rmSync(PICTURES, { recursive: true, force: true });
    renameSync(fresh, PICTURES);
    process.stdout.write(`${pathToFileURL(PICTURES).href}\n`);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    await browser.close();
  }
}

await main();
