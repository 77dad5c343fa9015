/**
 * The page as one HTML document with script and style inside, so that a browser loads nothing else.
 *
 * Run by the lab when a browser first asks (in a checkout), and by the build of the package.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

/** Bundles this directory into one document. Rejects with the bundler's message if it cannot. */
export async function bundlePage(): Promise<string> {
  const web = new URL(".", import.meta.url);
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
  // "</script" inside a string of the script would end the element early.
  const script = bundle.outputFiles[0]!.text.replaceAll("</script", "<\\/script");
  // Replaced by functions, because the texts may hold "$&".
  return template.replace("/* style */", () => style).replace("/* script */", () => script);
}
