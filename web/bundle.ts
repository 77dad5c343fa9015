/**
 * The page as one HTML document with script and style inside, so that a browser loads nothing else.
 *
 * Run by the lab when a browser first asks (in a checkout), and by the build of the package.
 */
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const WEB = new URL(".", import.meta.url);

/** Bundles this directory into one document. Rejects with the bundler's message if it cannot. */
export async function bundlePage(): Promise<string> {
  const [template, style, script] = await Promise.all([
    readFile(new URL("index.html", WEB), "utf8"),
    bundleStyle(),
    bundleScript(),
  ]);
  await esbuild.stop();
  // Replaced by functions, because the texts may hold "$&".
  return template.replace("/* style */", () => style).replace("/* script */", () => script);
}

async function bundleScript(): Promise<string> {
  const bundle = await esbuild.build({
    entryPoints: [fileURLToPath(new URL("main.tsx", WEB))],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "silent",
  });
  // "</script" inside a string of the script would end the element early.
  return bundle.outputFiles[0]!.text.replaceAll("</script", "<\\/script");
}

/** The chart library's own sheet, then those of `style/` in the order of their names. */
async function bundleStyle(): Promise<string> {
  const folder = new URL("style/", WEB);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".css")).sort();
  const library = fileURLToPath(import.meta.resolve("uplot/dist/uPlot.min.css"));
  const sheets = await Promise.all(
    [library, ...names.map((name) => fileURLToPath(new URL(name, folder)))].map((path) =>
      readFile(path, "utf8"),
    ),
  );
  const { code } = await esbuild.transform(sheets.join("\n"), {
    ...{ loader: "css", minify: true, target: "chrome123", logLevel: "silent" },
  });
  return code;
}
