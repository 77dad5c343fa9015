/**
 * Makes a fresh clone ready: installs the locked dependencies when they are missing or older than the
 * lock file. Plain JavaScript, no imports from the project: any Node >= 20 must be able to run it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const installed = join(root, "node_modules", ".package-lock.json");
const node = join(root, "node_modules", ".bin", "node");
const lock = join(root, "package-lock.json");

const [major] = process.versions.node.split(".").map(Number);
if (major < 20) {
  console.error(
    `fairlead: Node ${process.versions.node} is too old to bootstrap; 20 or newer is needed.`,
  );
  process.exit(1);
}
const isReady =
  existsSync(installed) &&
  existsSync(node) &&
  statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
if (!isReady) {
  console.error("fairlead: installing dependencies (npm ci), once ...");
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const run = npm?.endsWith(".js")
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", 2, 2] })
    : spawnSync("npm", args, {
        cwd: root,
        stdio: ["ignore", 2, 2],
        shell: process.platform === "win32",
      });
  if (run.status !== 0) {
    console.error("fairlead: npm ci failed; see the lines above.");
    process.exit(1);
  }
}
