/**
 * The `fairlead` command begins here. It loads what is asked for and nothing else, so that
 * `fairlead --version` is quick.
 */
import { packageVersion } from "./version.ts";
import { workerSettings } from "./worker-settings.ts";

let isOutputLost = false;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  process.on("SIGUSR1", () => {}); // instead of opening a debugger's port
  // A worker of `fairlead proxy --workers N` is this program with a line to its primary.
  const settings = workerSettings();
  if (settings !== null) {
    await (await import("./worker.ts")).runWorker(settings);
    return 0;
  }
  process.stdout.on("error", onStdoutError);
  if (args[0] === "--version" || args[0] === "-V" || args[0] === "version") {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  return (await import("./command-line.ts")).runCommandLine(args);
}

/** Output that is lost is no success; that whoever read it (`| head`) has gone is none of ours. */
function onStdoutError({ code, message }: NodeJS.ErrnoException): void {
  if (code === "EPIPE" || isOutputLost) return;
  isOutputLost = true;
  process.stderr.write(`fairlead: the output cannot be written: ${message}\n`);
  process.once("exit", () => {
    process.exitCode ||= 1;
  });
}
