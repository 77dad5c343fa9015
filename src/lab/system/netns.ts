/**
 * `fairlead lab --netns` from outside: the same command once more, in a network namespace that
 * unshare(1) makes for it and that ends with the last process in it. It has no name and leaves
 * nothing behind, however things end.
 *
 * This process stays outside for two things. It listens where the page is to be and passes the
 * socket in: a socket belongs to the network that it was made in. And it tells when the user wants
 * an end. The line between the two is the other's leash (`netns-inside.ts`).
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { LabError } from "../error.ts";
import type { ListenMessage, OutsideMessage } from "../messages.ts";
import { isRunnable, pathDirectories } from "./installed.ts";

/** Tells a process that it is the one inside; its value is the network outside. */
export const NETNS_VARIABLE = "FAIRLEAD_LAB_NETNS";

/** The network namespace of a process, as "net:[4026531840]"; null when the process is gone. */
export function netnsOf(pid: number | "self"): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null;
  }
}

/** Why there can be no network namespace with rules in it here; null when there can. */
export function whyNoNetns(): string | null {
  if (process.platform !== "linux") return "--netns: network namespaces are Linux's alone";
  if (process.getuid?.() !== 0) return "--netns: only root may make a network namespace";
  for (const tool of ["unshare", "nsenter", "ip"]) {
    if (!hasTool(tool)) return `--netns: ${tool} is not on the PATH (util-linux, iproute2)`;
  }
  if (rulesFlavour() === null) return "--netns: neither nft nor iptables is on the PATH";
  // Root of a container may lack the capability (CAP_SYS_ADMIN): it shows by trying.
  const { status, stderr } = spawnSync("unshare", ["--net", "--", "true"], { encoding: "utf8" });
  return status === 0 ? null : `--netns: the system refuses it: ${stderr.trim()}`;
}

/** Whose rules can be made here; null: nobody's. */
export function rulesFlavour(): "nftables" | "iptables" | null {
  if (hasTool("nft")) return "nftables";
  return hasTool("iptables") ? "iptables" : null;
}

/** Why the ClusterIPs in a network namespace are no rules of the kernel; null: they are. */
export function whyNoRules(): string | null {
  if (rulesFlavour() === "nftables") return null;
  return "--netns: nft is not on the PATH: the ClusterIP is a relay, as without --netns";
}

function hasTool(name: string): boolean {
  return pathDirectories().some((directory) => isRunnable(join(directory, name)));
}

/**
 * Runs this very command in a network namespace of its own until it ends. Resolves with its exit
 * code. Throws `LabError` when it did not come to its end.
 *
 * @param stop when it is aborted the lab inside ends in order.
 */
export async function runInNetns(stop: AbortSignal): Promise<number> {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  // In our process group and on our terminal: Ctrl-C and keys reach it as they would without us.
  const inside = spawn("unshare", ["--net", "--", ...again], {
    env: { ...process.env, [NETNS_VARIABLE]: netnsOf("self")! },
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  inside.on("message", (message) => listenFor(inside, message as ListenMessage));
  const onStop = (): void => tell(inside, { type: "stop" });
  stop.addEventListener("abort", onStop);
  if (stop.aborted) onStop();
  try {
    return await new Promise((resolve, reject) => {
      inside.once("error", (error) => {
        reject(new LabError(`--netns: unshare could not be started: ${error.message}`));
      });
      inside.once("exit", (code, signal) => {
        if (code !== null) resolve(code);
        else reject(new LabError(`the lab in its network namespace ended by ${signal}`));
      });
    });
  } finally {
    stop.removeEventListener("abort", onStop);
  }
}

/** Listens here, passes the socket in, and keeps nothing of it. */
function listenFor(inside: ChildProcess, { host, port }: ListenMessage): void {
  const server = net.createServer((early) => early.destroy());
  server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
    tell(inside, { type: "not-listening", code: code ?? "", reason: message });
  });
  server.listen(port, host, () => {
    tell(inside, { type: "listening" }, server, () => server.close());
  });
}

function tell(
  inside: ChildProcess,
  message: OutsideMessage,
  socket?: net.Server,
  onSent = (): void => {},
): void {
  if (inside.connected) inside.send(message, socket, {}, onSent);
}
