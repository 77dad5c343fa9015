/** The version of this package, read when it is asked for. */
import { readFileSync } from "node:fs";

/** As in package.json, which lies two levels up both from the sources and from the bundle. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
