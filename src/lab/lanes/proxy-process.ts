/**
 * `fairlead proxy` as the lab runs it: the command that users run, as a process, known by what it
 * logs (where it listens) and by its metrics (what came in).
 */
import type { Clock } from "../../base/index.ts";
import { LabError } from "../error.ts";
import { LAB_TARGET } from "../pods/pod-objects.ts";
import { adminText } from "../system/admin-text.ts";
import type { Child, Children } from "../system/children.ts";

/** A proxy that needs longer than this to listen has failed; on a busy machine it takes seconds. */
const START_TIMEOUT_MS = 30_000;

/** They are asked for every half second, and once more at the end, which nothing may hold up. */
const FIGURES_TIMEOUT_MS = 300;

/** Arguments of a proxy that can be asked: for figures, and why it chose what it chose. */
export const WITH_ADMIN: readonly string[] = ["--admin", "127.0.0.1:0"];

/** What a proxy is started with. */
export interface ProxySetup {
  readonly children: Children;
  readonly clock: Clock;
  /** The `fairlead` command and its first arguments. */
  readonly fairlead: readonly string[];
  readonly kubeconfig: string;
  /** 127.0.0.1 unless given. */
  readonly listenHost?: string;
}

/** A proxy that listens. */
export interface ProxyProcess {
  readonly child: Child;
  /** Where it accepts calls: ip:port. */
  readonly address: string;
  /** Of its admin endpoint, or "" without one. */
  readonly admin: string;
}

/** What a proxy counts of its clients. */
export interface ProxyFigures {
  /** Open connections of clients. */
  readonly connections: number;
  /** Calls since it started. */
  readonly calls: number;
}

/**
 * Starts one to the lab's pods. Throws `LabError` with the reason when it does not listen.
 *
 * @param more arguments beyond the target; the policy is told by the Service.
 */
export async function startProxy(
  label: string,
  { children, clock, fairlead, kubeconfig, listenHost = "127.0.0.1" }: ProxySetup,
  more: readonly string[] = [],
): Promise<ProxyProcess> {
  const child = children.command(label, [
    ...fairlead,
    ...["proxy", "--listen", `${listenHost}:0`, "--to", LAB_TARGET, "--kubeconfig", kubeconfig],
    ...["--log-level", "info", ...more],
  ]);
  const hasAdmin = more.includes("--admin");
  try {
    const [address, admin] = await Promise.all([
      loggedAddress(child, clock, "listening"),
      hasAdmin ? loggedAddress(child, clock, "admin") : "",
    ]);
    return { child, address, admin };
  } catch (error) {
    // One that is only late would hold its ports, and nobody knows it any more.
    await children.end(child);
    throw error;
  }
}

/** What the metrics of a proxy say; null when they cannot be had within a moment. */
export async function proxyFigures(admin: string, clock: Clock): Promise<ProxyFigures | null> {
  try {
    const text = await adminText(admin, "/metrics", clock, FIGURES_TIMEOUT_MS);
    return {
      connections: metric(text, "fairlead_downstream_connections"),
      calls: metric(text, "fairlead_downstream_calls_total"),
    };
  } catch {
    return null;
  }
}

/** A metric without labels in Prometheus text; 0 when it is not there. */
function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
}

/** The address in the first log line with this `msg`. Rejects as `loggedLine`. */
export async function loggedAddress(child: Child, clock: Clock, msg: string): Promise<string> {
  return String((await loggedLine(child, clock, msg)).address);
}

/**
 * The first log line with this `msg`. Rejects with `LabError` when the process ends, or says
 * nothing for too long.
 */
export function loggedLine(
  child: Child,
  clock: Clock,
  msg: string,
): Promise<Readonly<Record<string, unknown>>> {
  const line = new RegExp(`^\\{.*"msg":"${msg}".*\\}$`, "m");
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new LabError(`${child.label} ${why}`));
    const timer = clock.setTimer(START_TIMEOUT_MS, () => {
      fail(`did not listen within ${START_TIMEOUT_MS / 1000} s`);
    });
    child.ended.then(() => {
      timer.cancel();
      fail(child.endReason);
    });
    const look = (): void => {
      const match = line.exec(child.stderr)?.[0];
      if (!match) return;
      timer.cancel();
      resolve(JSON.parse(match));
    };
    child.onStderr(look);
    look();
  });
}
