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

async function startLab(t: TestContext, lanes = "clusterip,static,client") {
  const args = ["lab", "--pods", "3", "--lanes", lanes, "--page", "127.0.0.1:0"];
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
  await pinned.locator(".verdict", { hasText: /1 of 3 pods used: one connection, so/ }).waitFor();
  await even.locator(".verdict", { hasText: /3 of 3 pods used evenly: / }).waitFor();
  const ours = page.locator('[data-lane="client"]');
  await ours.locator(".verdict", { hasText: /3 of 3 pods used evenly: / }).waitFor();
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

test("buttons and keys do things to pods; the page tells what, and what each lane made of it", async (t) => {
  const executablePath = requirePeer(t, "chromium");
  if (executablePath === null) return;
  const [{ url }, page] = await Promise.all([
    startLab(t, "static,client,nested"),
    openBrowser(t, executablePath),
  ]);
  await page.goto(url);
  const lane = (name: string) => page.locator(`[data-lane="${name}"]`);
  const effect = (name: string) => lane(name).locator(".effect");
  const button = (name: string | RegExp) => page.getByRole("button", { name });
  await lane("nested")
    .locator(".verdict", { hasText: /3 of 3 pods used/ })
    .waitFor();

  await page.getByLabel("which pod").selectOption("echo-2");
  await button("slow one pod ×10").click();
  await lane("client").getByRole("rowheader", { name: "echo-2 slow" }).waitFor();
  await effect("static")
    .filter({ hasText: /^since slow=echo-2: \d+\.\d% of calls to/ })
    .waitFor();
  await page.getByText(`curl -X POST '${url}act?event=slow=echo-2'`).waitFor();
  await button("as fast as before").click();
  await page.locator(".events", { hasText: "echo-2 as fast as before" }).waitFor();

  // By key, from anywhere on the page but the list of pods.
  await page.getByLabel("which pod").focus();
  await page.keyboard.press("k");
  await button("roll all pods").focus();
  await page.keyboard.press("k");
  await page.locator(".events", { hasText: "echo-2 killed" }).waitFor();
  await page.locator(".events", { hasText: "echo-4 in place of echo-2" }).waitFor();
  await lane("client")
    .locator(".verdict", { hasText: /3 of 3 pods used/ })
    .waitFor();
  await lane("client").getByRole("rowheader", { name: "echo-4", exact: true }).waitFor();

  await page.keyboard.press("n");
  await lane("client").getByRole("rowheader", { name: "not-ready" }).waitFor();
  await button("SERVING again").click();

  const second = lane("nested").getByRole("row", { name: "proxy-2 0 0 0" });
  assert.equal(await second.count(), 0);
  await button("second proxy replica").click();
  await second.waitFor();
  assert.equal(await button("second proxy replica").isDisabled(), true);

  await page.keyboard.press("r");
  await page.locator(".events", { hasText: "all pods replaced" }).waitFor();
  const rolled = await effect("client").textContent();
  assert.match(rolled!, /^since roll: 0 of \d+ calls failed, p99/);
  for (const name of ["static", "client", "nested"]) {
    assert.equal(await lane(name).locator('[data-figure="failed"]').count(), 1);
  }
});

test("on a narrow screen nothing is cut off at the side", async (t) => {
  const executablePath = requirePeer(t, "chromium");
  if (executablePath === null) return;
  const [{ url }, page] = await Promise.all([
    startLab(t, "client,nested"),
    openBrowser(t, executablePath),
  ]);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(url);
  await page.locator('[data-lane="client"] .verdict', { hasText: /3 of 3 pods/ }).waitFor();
  await page.getByRole("button", { name: "kill a pod" }).click();
  await page.locator(".events", { hasText: "in place of" }).waitFor();
  const width = await page.evaluate("document.documentElement.scrollWidth");
  assert.equal(width, 390);
});

test("the page's own source type-checks", () => {
  const tsc = `${ROOT}node_modules/.bin/tsc`;
  const run = spawnSync(tsc, ["-p", `${ROOT}web`], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stdout);
});
