/**
 * Our own sources, smaller, for the bundles: local variables get short names, and descriptors of
 * protobuf stand as text.
 *
 * Names that a stack trace shows stay: of functions, of classes, and of their members, private ones
 * too. A tenth of what is packed goes by that.
 */
import { readFile } from "node:fs/promises";
import esbuild, { type Plugin } from "esbuild";

/** `#name` -> a name that esbuild leaves alone, as it does not with private ones, and back. */
const PRIVATE_NAME = /#([A-Za-z_]\w*)/g;
const MASKED_NAME = /\$private\$(\w+)/g;

/** How generated code gives its descriptor: in base64, in which nothing repeats. */
const DESCRIPTOR = /fileDesc\("([A-Za-z0-9+/=]+)"/;

/** Applies to files of `src/`; their tests are in no bundle. */
export const smallSources: Plugin = {
  name: "small-sources",
  setup(building) {
    building.onLoad({ filter: /\/src\/.*\.(ts|js)$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const loader = path.endsWith(".ts") ? "ts" : "js";
      return { contents: await shortened(withTextDescriptor(text), loader), loader: "js" };
    });
  },
};

/** As a file of its own, so that esbuild takes top-level names for ones that others may use. */
async function shortened(text: string, loader: "ts" | "js"): Promise<string> {
  const masked = text.replace(PRIVATE_NAME, "$$private$$$1");
  const { code } = await esbuild.transform(masked, {
    loader,
    minifyIdentifiers: true,
    target: "node22",
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  return code.replace(MASKED_NAME, "#$1");
}

/** The bytes as text: names in it repeat, from file to file, and pack to three quarters. */
function withTextDescriptor(text: string): string {
  return text.replace(DESCRIPTOR, (_, base64: string) => {
    const latin1 = Buffer.from(base64, "base64").toString("latin1");
    return `fileDesc(Buffer.from(${JSON.stringify(latin1)},"latin1").toString("base64")`;
  });
}
