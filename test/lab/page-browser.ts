/**
 * A lab with its page in a real browser, for the tests of the page and for its long run.
 */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { startProcess } from "../peers/processes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Pictures of what tests saw, for people to look at. */
const PICTURES = `${ROOT}.artefacts/lab/`;
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-quic"],
];
/** A lab on a busy machine takes its time. */
const START_TIMEOUT_MS = 90_000;

/** A lab that runs. */
export interface RunningLab {
  readonly process: ReturnType<typeof startProcess>;
  /** Of its page. */
  readonly url: string;
}

/** Starts a lab; resolves when its load runs. `page` is HOST:PORT. */
export async function startLab(args: readonly string[], page = "127.0.0.1:0"): Promise<RunningLab> {
  const process = startProcess(`${ROOT}bin/fairlead`, ["lab", ...args, "--page", page]);
  const [, url] = await process.waitFor(/"address":"(http:[^"]+)"/, START_TIMEOUT_MS);
  return { process, url: url! };
}

/** Starts the browser. */
export function openBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS });
}

/** What a page complained of, and where it asked for something. */
export interface Watched {
  readonly complaints: string[];
  readonly asked: Set<string>;
}

/** Listens to a page from now on. */
export function watch(page: Page): Watched {
  const watched = { complaints: [] as string[], asked: new Set<string>() };
  page.on("pageerror", (error) => watched.complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") watched.complaints.push(message.text());
  });
  page.on("request", (request) => watched.asked.add(request.url()));
  return watched;
}

/** Keeps a picture of the page as it is. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}${name}.png` });
}
