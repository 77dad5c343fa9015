/**
 * `fairlead capture-rules` at work: prints a script, or has `sh` run it.
 */
import { spawn } from "node:child_process";
import { type RulesSpec, rulesScript } from "../proxy/index.ts";
import type { CaptureRulesOptions } from "./capture-rules.ts";
import { createSystem, writeOut } from "./system.ts";
import { CommandError } from "./usage.ts";

/**
 * Prints, applies or deletes.
 * @returns the exit code.
 * @throws CommandError when the script fails, with what it said.
 */
export async function runCaptureRules(
  spec: RulesSpec,
  options: CaptureRulesOptions,
): Promise<number> {
  const flavour = options.flavour ?? "nftables";
  const { apply, remove } = rulesScript(spec, flavour);
  if (options.apply !== true && options.delete !== true) {
    await writeOut(apply);
    return 0;
  }
  const { log } = await createSystem(options);
  await runScript(options.apply === true ? apply : remove);
  const { mode, by, outboundPort, inboundPort } = spec;
  const msg = options.apply === true ? "rules applied" : "rules deleted";
  log.info(msg, { mode, by, flavour, outboundPort, inboundPort });
  return 0;
}

/** `-e`: the first command that fails ends it. */
function runScript(script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const shell = spawn("sh", ["-eu"], { stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    shell.stderr.on("data", (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-2_000);
    });
    shell.on("error", (error) => reject(new CommandError(`sh cannot be run: ${error.message}`)));
    shell.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new CommandError(`the rules could not be changed: ${hint(said)}`));
    });
    shell.stdin.on("error", () => {}); // it may have ended
    shell.stdin.end(script);
  });
}

function hint(said: string): string {
  const text = said.trim() === "" ? "the script failed" : said.trim();
  const isDenied = /not permitted|permission denied/i.test(text);
  return isDenied ? `${text}; CAP_NET_ADMIN and CAP_NET_RAW are needed` : text;
}
