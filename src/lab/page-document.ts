/**
 * The page as one HTML document with script and style inside: nothing is loaded from elsewhere.
 *
 * In a checkout it is bundled from `web/` by esbuild when a browser first asks; a built package
 * carries the finished document.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = import.meta.url;

/** The document. Rejects with the bundler's message when `web/` does not build. */
export async function pageDocument(): Promise<string> {
  if (!here.endsWith(".ts")) return readFile(new URL("./page.html", here), "utf8");
  return bundlePage();
}

/** Bundles `web/` into one document; also what the build of the package calls. */
export async function bundlePage(): Promise<string> {
  const web = new URL("../../web/", here);
  const esbuild = await import("esbuild");
  const [template, style, bundle] = await Promise.all([
    readFile(new URL("index.html", web), "utf8"),
    readFile(new URL("style.css", web), "utf8"),
    esbuild.build({
      entryPoints: [fileURLToPath(new URL("main.tsx", web))],
      bundle: true,
      minify: true,
      write: false,
      format: "iife",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      logLevel: "silent",
    }),
  ]);
  await esbuild.stop();
  // Replacer functions, because a script may hold "$&"; "</script" cannot end the element early.
  const script = bundle.outputFiles[0]!.text.replaceAll("</script", "<\\/script");
  return template.replace("/* style */", () => style).replace("/* script */", () => script);
}
