/**
 * Proxies of others that a lane may run: where they are looked for, and how one is started.
 *
 * Looked for by a variable of the environment, on the PATH, and in a checkout where `npm run peers`
 * puts them.
 */
import { readdirSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import type { Clock } from "../../base/index.ts";
import { LabError } from "../error.ts";
import { peersDirectory } from "../places.ts";
import type { Child } from "../system/children.ts";
import { isRunnable, pathDirectories } from "../system/installed.ts";

/** What there are lanes for. */
export type PeerName = "envoy" | "nginx" | "haproxy";

/** A proxy that does not listen for so long has failed; on a busy machine it takes seconds. */
const START_TIMEOUT_MS = 15_000;
const POLL_MS = 20;
/** Debian keeps servers there, which is not on everyone's PATH. */
const MORE_DIRECTORIES = ["/usr/sbin", "/usr/local/sbin"];

/** Its path, or in a sentence why there is none. */
function findPeer(name: PeerName): { readonly path: string } | { readonly why: string } {
  const variable = `FAIRLEAD_${name.toUpperCase()}`;
  const named = process.env[variable];
  if (named !== undefined) {
    return isRunnable(named) ? { path: named } : { why: `${variable} "${named}": no such program` };
  }
  const path = placesOf(name).find(isRunnable);
  if (path !== undefined) return { path };
  return { why: `${name} is not on the PATH, and ${variable} does not name it` };
}

/** Why a lane of it cannot run here, or null. */
export function whyNoPeer(name: PeerName): string | null {
  const found = findPeer(name);
  return "why" in found ? found.why : null;
}

/** Its path. Throws `LabError` when it is not there. */
export function peerPath(name: PeerName): string {
  const found = findPeer(name);
  if ("why" in found) throw new LabError(found.why);
  return found.path;
}

function placesOf(name: PeerName): readonly string[] {
  const onPath = [...pathDirectories(), ...MORE_DIRECTORIES].map((each) => join(each, name));
  const peers = peersDirectory();
  return peers === null ? onPath : [...onPath, join(peers, "bin", name), ...inVenv(peers, name)];
}

/** PyPI carries Envoy's program in a package; the script on the venv's path only starts it. */
function inVenv(peers: string, name: PeerName): readonly string[] {
  const lib = join(peers, "venv", "lib");
  try {
    return readdirSync(lib).map((python) => join(lib, python, "site-packages", name, "_bin", name));
  } catch {
    return [];
  }
}

/**
 * Resolves when `isUp` says so. Rejects with `LabError` when the program ends before, or takes too
 * long.
 */
export async function untilUp(
  child: Child,
  clock: Clock,
  isUp: () => Promise<boolean>,
): Promise<void> {
  let hasEnded = false;
  child.ended.then(() => {
    hasEnded = true;
  });
  const untilMs = clock.nowMs() + START_TIMEOUT_MS;
  while (!(await isUp())) {
    if (hasEnded) throw new LabError(`${child.label} ${child.endReason}`);
    if (clock.nowMs() >= untilMs) {
      throw new LabError(`${child.label} did not listen within ${START_TIMEOUT_MS / 1000} s`);
    }
    await new Promise<void>((resolve) => clock.setTimer(POLL_MS, resolve));
  }
}

/** Whether something takes connections there. */
export function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const over = (isUp: boolean): void => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once("connect", () => over(true)).once("error", () => over(false));
  });
}
