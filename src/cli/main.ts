/**
 * The `fairlead` command begins here. It loads what is asked for and nothing else, so that
 * `fairlead --version` is quick.
 */
import { packageVersion } from "./version.ts";
import { workerSettings } from "./worker-settings.ts";

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  process.on("SIGUSR1", () => {}); // instead of opening a debugger's port
  // A worker of `fairlead proxy --workers N` is this program with a line to its primary.
  const settings = workerSettings();
  if (settings !== null) {
    await (await import("./worker.ts")).runWorker(settings);
    return 0;
  }
  process.stdout.on("error", () => {}); // whoever read it (`| head`) has gone
  if (args[0] === "--version" || args[0] === "-V" || args[0] === "version") {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  return (await import("./command-line.ts")).runCommandLine(args);
}
