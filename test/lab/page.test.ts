/**
 * The page of a running lab in a real browser: what a newcomer sees, that every control has its
 * effect on the pods and on the picture, that it works by keyboard, on a narrow screen and without
 * colour, that it loads nothing from elsewhere, and that it outlives its lab.
 *
 * One lab serves all: its parts follow one another, and each leaves the pods as it found them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { requirePeer } from "../peers/find.ts";
import { openBrowser, picture, startLab, watch } from "./page-browser.ts";

const LANES = ["--lanes", "clusterip,headless,client,nested"];
const STEP_TIMEOUT_MS = 90_000;

/** Of a lane's card. */
function laneOf(page: Page, name: string) {
  const card = page.locator(`[data-lane="${name}"]`);
  return {
    card,
    verdict: card.locator(".verdict"),
    effect: card.locator(".effect"),
    figure: (figure: string) => card.locator(`[data-figure="${figure}"] dd`),
  };
}

/** Each row's part of the calls of the last seconds, as it was drawn; NaN where none is due. */
async function sharesOf(page: Page, lane: string): Promise<number[]> {
  const drawn = page.locator(`[data-lane="${lane}"] .rows-and-canvas canvas`);
  const text = (await drawn.getAttribute("data-shares")) ?? "";
  return text.split(" ").map((share) => (share === "" ? Number.NaN : Number(share)));
}

/** Asks why by Enter on a pod, acts beside the answer, and comes back by Escape. */
async function saysWhy(page: Page): Promise<void> {
  const row = laneOf(page, "headless").card.locator(".rows button").first();
  const pod = (await row.getAttribute("data-pod"))!;
  await row.focus();
  await page.keyboard.press("Enter");
  const panel = page.locator("dialog.why");
  await panel.getByRole("heading", { name: `Why ${pod}?` }).waitFor();
  await panel.locator(".story", { hasText: pod }).waitFor();
  await picture(page, "why");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  assert.equal(await page.locator(":focus").getAttribute("data-pod"), pod);
}

/** Looks again and again until `is` holds. */
async function until(page: Page, what: string, is: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < STEP_TIMEOUT_MS; waitedMs += 100) {
    if (await is()) return;
    await page.waitForTimeout(100);
  }
  throw new Error(`not within ${STEP_TIMEOUT_MS} ms: ${what}`);
}

/** The pixel of the strip's newest column in a row, `below` its top: [red, green, blue]. */
function newestCell(page: Page, lane: string, row: number, below = 4): Promise<number[]> {
  const canvas = page.locator(`[data-lane="${lane}"] .cells canvas`).first();
  return canvas.evaluate(
    (node, y) => {
      const strip = node as unknown as {
        width: number;
        getContext(kind: "2d"): { getImageData(...box: number[]): { data: Uint8ClampedArray } };
      };
      const { data } = strip.getContext("2d").getImageData(strip.width - 2, y, 1, 1);
      return [...data].slice(0, 3);
    },
    row * 10 + below,
  );
}

function press(page: Page, name: string | RegExp): Promise<void> {
  return page.getByRole("button", { name }).click();
}

function event(page: Page, text: string | RegExp): Locator {
  return page.locator(".events", { hasText: text });
}

async function seesTheProblem(page: Page): Promise<void> {
  assert.match(await page.title(), /which pod gets the calls/);
  const lede = await page.locator(".lede").textContent();
  assert.match(lede!, /gRPC keeps one connection.*so one pod gets every call/);

  const [wrong, right] = [laneOf(page, "clusterip"), laneOf(page, "client")];
  await wrong.verdict.filter({ hasText: /1 of 3 pods used: .*every call went to / }).waitFor();
  await right.verdict.filter({ hasText: /3 of 3 pods used/ }).waitFor();
  await laneOf(page, "headless")
    .verdict.filter({ hasText: /✓.*3 of 3 pods used/ })
    .waitFor();
  // Signs read without colour, and a screen reader hears the same in words.
  assert.match((await wrong.verdict.textContent())!, /^✕/);
  assert.match((await right.verdict.textContent())!, /^✓/);
  await wrong.card.locator("[aria-live]", { hasText: /^wrong: 1 of 3 pods used/ }).waitFor();
  await page.locator('[data-choice="clusterip"]', { hasText: "✕" }).waitFor();

  const pinned = await sharesOf(page, "clusterip");
  assert.deepEqual(pinned.toSorted(), [0, 0, 1]);
  for (const share of await sharesOf(page, "headless")) assert.ok(share > 0.2 && share < 0.47);
  assert.equal(await right.figure("connections").textContent(), "3");
  assert.equal(await right.figure("pods used").textContent(), "3/3");
  assert.match((await page.locator(".state").textContent())!, /relay that picks as kube-proxy/);

  // The strip: bright yellow where all calls go, dark grey where none do, blue where it is fair.
  await page.waitForTimeout(1200);
  const all = pinned.indexOf(1);
  assert.deepEqual(await newestCell(page, "clusterip", all), [255, 224, 56]);
  assert.deepEqual(await newestCell(page, "clusterip", (all + 1) % 3), [0x33, 0x38, 0x40]);
  const [red, , blue] = await newestCell(page, "headless", 0);
  assert.ok(blue! > red! + 40, "fair is blue");

  // What may be tried is told with its keys, but not to a phone, which has none.
  const keys = page.locator(".try .key");
  assert.equal(await keys.first().isVisible(), true);
  await page.setViewportSize({ width: 390, height: 844 });
  await keys.first().waitFor({ state: "hidden" });
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function changesPods(page: Page): Promise<void> {
  const [stock, ours] = [laneOf(page, "headless"), laneOf(page, "client")];
  await press(page, "one pod more");
  await ours.verdict.filter({ hasText: /4 of 4 pods used/ }).waitFor();
  await until(page, "the new pod has its share", async () => {
    return (await sharesOf(page, "client"))[3]! > 0.1;
  });
  assert.equal(await ours.card.locator(".rows button").count(), 4);
  await page.locator(".state", { hasText: "4 ready" }).waitFor();
  await press(page, "one pod less");
  await ours.card.locator('.rows [data-state="gone"]').waitFor();
  await ours.verdict.filter({ hasText: /3 of 3 pods used/ }).waitFor();

  // The key for the end of a pod may have given the second row another one.
  const pod = (await page.getByLabel("which pod").locator("option").nth(2).textContent())!.trim();
  await page.getByLabel("which pod").selectOption(pod);
  await press(page, /^slow ×10/);
  await until(page, "fairlead gives a slow pod less, stock grpc-js does not", async () => {
    const [slow, even] = [await sharesOf(page, "client"), await sharesOf(page, "headless")];
    return slow[1]! < 0.2 && even[1]! > 0.25;
  });
  await stock.effect.filter({ hasText: `since slow=${pod}: ` }).waitFor();
  await page.locator(".command", { hasText: `/act?event=slow=${pod}'` }).waitFor();
  await page.locator(".command", { hasText: `s:slow=${pod}` }).waitFor();
  await picture(page, "slow");
  await press(page, "as fast as before");
  await event(page, `${pod} as fast as before`).waitFor();
}

async function worksByKeys(page: Page): Promise<void> {
  const ours = laneOf(page, "client");
  // A list takes its keys itself.
  await page.getByLabel("which pod").focus();
  await page.keyboard.press("k");
  await page.getByRole("button", { name: "roll all pods" }).focus();
  assert.equal(await event(page, "killed").count(), 0);
  await page.getByLabel("which pod").selectOption("");
  await page.getByRole("button", { name: "roll all pods" }).focus();
  await page.keyboard.press("n");
  await ours.card.locator('.rows [data-state="not-ready"]').waitFor();
  await page.keyboard.press("n");
  await event(page, / SERVING/).waitFor();

  await page.keyboard.press("k");
  await event(page, "killed").waitFor();
  await event(page, "in place of").waitFor();
  await ours.verdict.filter({ hasText: /3 of 3 pods used/ }).waitFor();

  // Tab comes once to the pods of a lane; arrows go from pod to pod, and the focus is seen.
  const pods = ours.card.locator(".rows button");
  await ours.card.getByRole("button", { name: /^why/ }).focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  const focused = page.locator(":focus");
  assert.equal(await focused.textContent(), await pods.nth(1).textContent());
  assert.notEqual(await focused.evaluate("node => getComputedStyle(node).outlineStyle"), "none");
  await page.keyboard.press("End");
  assert.equal(await focused.textContent(), await pods.last().textContent());
}

async function changesProxies(page: Page): Promise<void> {
  const nested = laneOf(page, "nested");
  const second = nested.card.getByRole("row", { name: /^proxy-2 / });
  assert.equal(await second.count(), 0);
  await press(page, "second proxy replica");
  await second.waitFor();
  assert.equal(await page.getByRole("button", { name: "second proxy replica" }).isDisabled(), true);
  await page.keyboard.press("r");
  await event(page, "all pods replaced").waitFor();
  await laneOf(page, "client")
    .effect.filter({ hasText: /^since roll: 0 of \d+ calls/ })
    .waitFor();
}

async function changesTheLab(page: Page): Promise<void> {
  const ours = laneOf(page, "client");
  const level = (name: string) => page.locator(`[data-level="${name}"]`);
  const pod = page.getByLabel("which pod");
  await level("load").getByRole("slider").press("ArrowLeft");
  await level("load").getByText("200 calls/s a lane").waitFor();
  await event(page, "200 calls/s in each lane").waitFor();
  await until(page, "fewer calls are made", async () => {
    return Number(await ours.figure("calls/s").textContent()) < 260;
  });
  await level("in flight").getByRole("slider").press("ArrowRight");
  await level("in flight").getByText("20 open calls").waitFor();
  await page.getByLabel("policy").selectOption("round_robin");
  await event(page, "policy round_robin").waitFor();

  const [name] = (await pod.locator("option").allTextContents()).slice(1);
  await pod.selectOption(name!);
  await press(page, /^sick/);
  await laneOf(page, "headless").figure("failed").filter({ hasText: "✕" }).waitFor();
  await press(page, /^eject failing/);
  const left = ours.card.locator(`.rows [data-pod="${name}"]`);
  await left.filter({ hasText: "ejected" }).waitFor();
  await ours.verdict.filter({ hasText: `${name}, which is sick, is ejected` }).waitFor();
  const row = (await ours.card.locator(".rows button").allTextContents()).findIndex((text) =>
    text.startsWith(`${name} `),
  );
  await until(page, "the pod is outlined in the lane that left it", async () => {
    const edge = await newestCell(page, "client", row, 0);
    return edge.every((part) => part === 255);
  });
  await picture(page, "ejected");
  await press(page, /^no ejection/);
  await press(page, /^well again/);
  await press(page, /^drain/);
  await event(page, `${name} drained`).waitFor();
  await event(page, `${name} is gone`).waitFor();

  await press(page, /peers’ cure on/);
  await event(page, "find each other").waitFor();
  await page.getByRole("button", { name: /peers’ cure off/ }).waitFor();

  const chip = page.locator('[data-choice="static"]');
  assert.equal(await chip.getAttribute("aria-pressed"), "false");
  await chip.click();
  await laneOf(page, "static")
    .verdict.filter({ hasText: /3 of 3 pods used/ })
    .waitFor();
  assert.equal(await chip.getAttribute("aria-pressed"), "true");
  await chip.click();
  await laneOf(page, "static").card.waitFor({ state: "detached" });
  const reasons = await page.locator(".chips li").allTextContents();
  assert.ok(
    reasons.some((reason) => /^Sidecar needs --netns/.test(reason)),
    reasons.join(),
  );

  await page.keyboard.press("0");
  await level("load").getByText("300 calls/s a lane").waitFor();
  await page.locator('[data-fact="time"] dd', { hasText: /^00:0\d$/ }).waitFor();
  await ours.verdict.filter({ hasText: /3 of 3 pods used evenly/ }).waitFor();
  assert.equal(await page.locator(".events li").count(), 0);
  await until(page, "no row is left of a pod that is gone", async () => {
    return (await ours.card.locator(".rows button").count()) === 3;
  });
  assert.equal(await ours.figure("failed").textContent(), "0");
}

async function showsManyPods(page: Page): Promise<void> {
  await page.locator('[data-level="pods"]').getByRole("slider").press("End");
  await page.locator('[data-fact="pods"]', { hasText: /^pods100 ready/ }).waitFor();
  const verdict = laneOf(page, "client").verdict.filter({ hasText: /100 of 100 pods used/ });
  await verdict.waitFor();
  // Beside the rows of pods that are gone; few calls are made in five seconds on a slow machine.
  await until(page, "most of them have their share", async () => {
    return (await sharesOf(page, "client")).filter((share) => share > 0).length > 50;
  });
  await picture(page, "many");
  // A row too low for its name shows it where one stands.
  const row = laneOf(page, "client").card.locator(".rows button").nth(57);
  await row.focus();
  const colour = await row.evaluate("node => getComputedStyle(node).color");
  assert.notEqual(colour, "rgba(0, 0, 0, 0)");
}

async function fitsNarrowScreens(page: Page): Promise<void> {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: /pods, load, policy/ }).click();
  await page.getByRole("button", { name: /^kill/ }).waitFor();
  assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
  await picture(page, "narrow");
  await page.getByRole("button", { name: /pods, load, policy/ }).click();
  await picture(page, "narrow-folded");
  const cards = await page
    .locator(".lane")
    .evaluateAll((nodes) =>
      nodes.map((node) => (node as unknown as { offsetLeft: number }).offsetLeft),
    );
  assert.equal(new Set(cards).size, 1, "one column");
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function isLightAndDark(page: Page): Promise<void> {
  const grounds = [];
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(600);
    grounds.push(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
    await picture(page, colorScheme);
  }
  assert.deepEqual(grounds, ["rgb(16, 19, 24)", "rgb(243, 245, 248)"]);
}

test("the page shows the problem and the cures, and does what it is told", async (t) => {
  const executablePath = requirePeer(t, "chromium");
  if (executablePath === null) return;
  const args = ["--pods", "3", ...LANES];
  const [lab, browser] = await Promise.all([startLab(args), openBrowser(executablePath)]);
  t.after(() => Promise.all([lab.process.stop(), browser.close()]));
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  const { complaints, asked } = watch(page);
  await page.goto(lab.url);

  await t.test("a newcomer sees what is wrong with what", () => seesTheProblem(page));
  await t.test("keys do the same, and reach everything", () => worksByKeys(page));
  await t.test("pods come, go and get slow, and the pictures show it", () => changesPods(page));
  await t.test("it says why a pod gets its calls", () => saysWhy(page));
  await t.test("proxies get a replica, and pods are rolled", () => changesProxies(page));
  await t.test("load, policy, faults, lanes and reset", () => changesTheLab(page));
  await t.test("nothing is cut off at 390 pixels", () => fitsNarrowScreens(page));
  await t.test("it is light or dark as the system is", () => isLightAndDark(page));
  await t.test("a hundred pods are shown, each with its line and row", () => showsManyPods(page));
  await t.test("it complains of nothing and asks no one else", () => {
    assert.deepEqual(complaints, []);
    for (const each of asked) assert.ok(each.startsWith(lab.url) || each.startsWith("data:"), each);
  });

  await t.test("it keeps the last figures, and shows the next lab when there is one", async () => {
    await lab.process.stop();
    await page.locator(".notice", { hasText: "The lab has ended" }).waitFor();
    await laneOf(page, "clusterip")
      .verdict.filter({ hasText: /1 of 100 pods used/ })
      .waitFor();
    assert.equal(await page.getByRole("button", { name: /^kill/ }).isDisabled(), true);
    await picture(page, "ended");
    const next = await startLab(["--pods", "2", "--lanes", "client"], new URL(lab.url).host);
    t.after(() => next.process.stop());
    await laneOf(page, "client")
      .verdict.filter({ hasText: /2 of 2 pods used/ })
      .waitFor();
    assert.equal(await page.locator(".lane").count(), 1);
    assert.equal(await laneOf(page, "client").card.locator(".rows button").count(), 2);
    assert.equal(await page.getByRole("button", { name: /^kill/ }).isDisabled(), false);
    assert.equal(await page.locator(".notice").textContent(), "");
  });
});
