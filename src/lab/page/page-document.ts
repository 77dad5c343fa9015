/**
 * Where the page's HTML document comes from: in a checkout it is bundled from `web/` when a browser
 * first asks; a built package carries it finished, as `page.html` beside its code.
 */
import { readFile } from "node:fs/promises";

const here = import.meta.url;

/** The document. Rejects with the bundler's message when `web/` does not build. */
export async function pageDocument(): Promise<string> {
  if (!here.endsWith(".ts")) return readFile(new URL("./page.html", here), "utf8");
  // By URL, so that no bundle of the package takes the bundler along.
  const bundler: { bundlePage(): Promise<string> } = await import(
    new URL("../../../web/bundle.ts", here).href
  );
  return bundler.bundlePage();
}
