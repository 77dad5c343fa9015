/**
 * The page of a running lab in a real browser: what it shows, that it reads without colour, and
 * that it loads nothing from elsewhere.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright-core";
import { requirePeer } from "../peers/find.ts";
import { startProcess } from "../peers/processes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-quic"],
];

async function openBrowser(t: TestContext, executablePath: string): Promise<Page> {
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  t.after(() => browser.close());
  return browser.newPage({ viewport: { width: 1280, height: 900 } });
}

async function startLab(t: TestContext) {
  const args = [
    "lab",
    "--pods",
    "3",
    "--lanes",
    "clusterip,static,client",
    "--page",
    "127.0.0.1:0",
  ];
  const lab = startProcess(`${ROOT}bin/fairlead`, args);
  t.after(() => lab.stop());
  const [, url] = await lab.waitFor(/"address":"(http:[^"]+)"/);
  return { lab, url: url! };
}

test("the page shows each lane's verdict, shares and figures, and the lab's end", async (t) => {
  const executablePath = requirePeer(t, "chromium");
  if (executablePath === null) return;
  const [{ lab, url }, page] = await Promise.all([startLab(t), openBrowser(t, executablePath)]);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  const asked = new Set<string>();
  page.on("request", (request) => asked.add(request.url()));

  await page.goto(url);
  const pinned = page.locator('[data-lane="clusterip"]');
  const even = page.locator('[data-lane="static"]');
  await pinned.locator(".verdict", { hasText: /1 of 3 pods used: every call went to/ }).waitFor();
  await even.locator(".verdict", { hasText: /3 of 3 pods used: max\/mean 1\.\d\dx/ }).waitFor();
  const ours = page.locator('[data-lane="client"]');
  await ours.locator(".verdict", { hasText: /3 of 3 pods used: max\/mean 1\.\d\dx/ }).waitFor();
  await ours.getByText("grpc-js stub on fairlead's channel, kubernetes:///").waitFor();

  // What a screen reader hears, and what is there without colour.
  await pinned.locator("[aria-live=polite]", { hasText: /^1 of 3 pods used/ }).waitFor();
  assert.match((await pinned.locator(".verdict").textContent())!, /^▲/);
  assert.match((await even.locator(".verdict").textContent())!, /^●/);
  const shares = await pinned.locator(".shares .number").allTextContents();
  assert.deepEqual(shares.toSorted(), ["0.0%", "0.0%", "100.0%"]);
  assert.equal(await even.locator(".shares th").count(), 3);
  assert.match((await even.locator(".figures").textContent())!, /connections3/);

  // The heat strip has colours of its own where calls were: not one grey.
  await page.waitForTimeout(1200);
  const colours = await even.locator("canvas").evaluate((node) => {
    const canvas = node as unknown as {
      width: number;
      height: number;
      getContext(kind: "2d"): { getImageData(...box: number[]): { data: Uint8ClampedArray } };
    };
    const box = [canvas.width - 4, 2, 1, 1];
    return [...canvas.getContext("2d").getImageData(...box).data];
  });
  assert.deepEqual(colours, [0x5b, 0x9b, 0xdf, 255]);

  await lab.stop();
  await page.locator(".notice", { hasText: "The lab has ended" }).waitFor();
  assert.deepEqual(complaints, []);
  for (const each of asked) assert.ok(each.startsWith(url) || each.startsWith("data:"), each);
});

test("the page's control changes the number of pods, and the page shows them come", async (t) => {
  const executablePath = requirePeer(t, "chromium");
  if (executablePath === null) return;
  const [{ url }, page] = await Promise.all([startLab(t), openBrowser(t, executablePath)]);
  await page.goto(url);
  const lane = page.locator('[data-lane="static"]');
  await lane.locator(".verdict", { hasText: /3 of 3 pods used/ }).waitFor();
  await page.getByRole("button", { name: "one pod more" }).click();
  await lane.locator(".verdict", { hasText: /3 of 4 pods used/ }).waitFor();
  assert.equal(await lane.locator(".shares th").count(), 4);
  assert.match((await page.locator("header").textContent())!, /4 pods/);
  await page.getByRole("button", { name: "one pod less" }).click();
  await lane.locator('[data-state="gone"]', { hasText: "echo-4 gone" }).waitFor();
  await lane.locator(".verdict", { hasText: /3 of 3 pods used/ }).waitFor();
});

test("the page's own source type-checks", () => {
  const tsc = `${ROOT}node_modules/.bin/tsc`;
  const run = spawnSync(tsc, ["-p", `${ROOT}web`], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stdout);
});
