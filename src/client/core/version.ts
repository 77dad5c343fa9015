/** The version of this package, for `user-agent`. */
import { readFileSync } from "node:fs";

let version: string | null = null;

/**
 * As in package.json: looked for upwards from here, because sources and bundles lie at different
 * depths.
 */
export function packageVersion(): string {
  version ??= readVersion();
  return version;
}

function readVersion(): string {
  for (const up of ["..", "../..", "../../.."]) {
    try {
      const text = readFileSync(new URL(`${up}/package.json`, import.meta.url), "utf8");
      const found = JSON.parse(text) as { name?: unknown; version?: unknown };
      if (found.name === "fairlead") return String(found.version);
    } catch {
      // Not at this depth.
    }
  }
  return "unknown";
}
