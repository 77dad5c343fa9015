/**
 * Recipes of peers that come from Maven and npm: what is pinned stands in the `pom.xml` or
 * `package.json` of a folder here.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { arePresent } from "./catalogue.ts";
import { javaInteropDir, nodeVersionsDir, recipesDir } from "./paths.ts";
import { command, type Recipe } from "./recipe.ts";

const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/** grpc-java's interop server with its dependencies, as jars. */
export function javaInterop(): Recipe {
  const pom = join(recipesDir, "java", "pom.xml");
  const peers = ["grpc-java-interop-server"];
  return {
    name: "grpc-java-interop",
    makes: peers.join(", "),
    inputs: [pom],
    pins: [COPY],
    isPresent: () => arePresent(peers),
    run: async () => {
      rmSync(javaInteropDir, { recursive: true, force: true });
      await command("mvn", ["-q", "-B", "-f", pom, COPY, `-DoutputDirectory=${javaInteropDir}`]);
    },
  };
}

/** The Node versions beside the pinned one that the published package runs under. */
export function nodeVersions(): Recipe {
  const folder = join(recipesDir, "node-versions");
  const files = ["package.json", "package-lock.json"];
  const peers = ["node-22", "node-26"];
  return {
    name: "node-versions",
    makes: peers.join(", "),
    inputs: files.map((file) => join(folder, file)),
    pins: [],
    isPresent: () => arePresent(peers),
    run: async () => {
      rmSync(nodeVersionsDir, { recursive: true, force: true });
      mkdirSync(nodeVersionsDir, { recursive: true });
      for (const file of files) cpSync(join(folder, file), join(nodeVersionsDir, file));
      await command("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
        cwd: nodeVersionsDir,
      });
    },
  };
}
