/**
 * Network namespaces for tests: a network of one's own, where pods may have any address.
 *
 * Real EndpointSlices may not hold loopback addresses (the API server refuses them), and tests may
 * send to no others on this machine: inside a namespace both come true. Needs root and iproute2.
 * It goes with all that it holds when it is closed or this process ends; after a SIGKILL, when the
 * next one is made.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPeer } from "../peers/find.ts";
import { type RunningProcess, type StartOptions, startProcess } from "../peers/processes.ts";

/** ip-netns(8): files here stand in for those of /etc inside the namespace of that name. */
const ETC = "/etc/netns";
const PREFIX = "fairlead-netns";
/** All addresses of these are the namespace's own, so that anything may listen on them. */
const LOCAL_RANGES = ["10.244.0.0/16", "10.96.0.0/16", "fd00:10:244::/64", "fd00:10:96::/112"];
const GATE = join(import.meta.dirname, "programs", "gate.ts");

const open = new Set<NetworkNamespace>();
let count = 0;
let isGuarding = false;

let hindrance: string | null | undefined;

/** Why a namespace cannot be made here, for people; null when it can. */
export function whyNoNamespace(): string | null {
  if (hindrance === undefined) hindrance = findHindrance();
  return hindrance;
}

function findHindrance(): string | null {
  if (process.platform !== "linux") return "network namespaces are Linux's alone";
  if (process.getuid?.() !== 0) return "only root may make a network namespace";
  if (findPeer("ip") === null) return "peer ip is missing: run npm run peers";
  // Root of a container may lack the capability (CAP_SYS_ADMIN): it shows by trying.
  const name = `${PREFIX}-${process.pid}-0`;
  try {
    runIp("netns", "add", name);
    runIp("netns", "del", name);
    return null;
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    return `a network namespace cannot be made here: ${String(stderr ?? error).trim()}`;
  }
}

/** See the head of this file. */
export class NetworkNamespace {
  readonly name: string;
  /** For files of those inside; removed with the namespace. */
  readonly directory: string;
  readonly #gateSocket: string;
  readonly #processes = new Set<RunningProcess>();

  private constructor(name: string) {
    this.name = name;
    this.directory = directoryOf(name);
    this.#gateSocket = join(this.directory, "gate.sock");
  }

  /**
   * Makes one, with `resolvConf` as its /etc/resolv.conf.
   *
   * @param localRanges CIDRs all of whose addresses are its own.
   * @throws Error when the kernel refuses.
   */
  static async create(
    resolvConf: string,
    localRanges: readonly string[] = LOCAL_RANGES,
  ): Promise<NetworkNamespace> {
    guardExit();
    sweep();
    count += 1;
    const namespace = new NetworkNamespace(`${PREFIX}-${process.pid}-${count}`);
    open.add(namespace);
    try {
      namespace.#make(resolvConf, localRanges);
      await namespace.#startGate();
    } catch (error) {
      await namespace.close();
      throw error;
    }
    return namespace;
  }

  #make(resolvConf: string, localRanges: readonly string[]): void {
    mkdirSync(this.directory, { mode: 0o700 });
    mkdirSync(join(ETC, this.name), { recursive: true });
    writeFileSync(join(ETC, this.name, "resolv.conf"), resolvConf);
    runIp("netns", "add", this.name);
    runIp("-n", this.name, "link", "set", "lo", "up");
    for (const range of localRanges) {
      const family = range.includes(":") ? "-6" : "-4";
      runIp(family, "-n", this.name, "route", "add", "local", range, "dev", "lo");
    }
  }

  async #startGate(): Promise<void> {
    const gate = this.start(process.execPath, [GATE, this.#gateSocket], { name: "gate" });
    await gate.waitFor(/^ready$/m);
  }

  /** Starts a program inside: its process id is that of the program. */
  start(path: string, args: readonly string[], options: StartOptions = {}): RunningProcess {
    const words = ["netns", "exec", this.name, path, ...args];
    const started = startProcess(ip(), words, { name: path, ...options });
    this.#processes.add(started);
    const forget = () => this.#processes.delete(started);
    started.exited.then(forget, forget);
    return started;
  }

  /** A TCP connection to an address inside. It ends when nobody listens there. */
  dial(host: string, port: number): Socket {
    // A path in the file system leads through from any network namespace.
    const socket = connect(this.#gateSocket);
    socket.write(`${host} ${port}\n`);
    return socket;
  }

  /** Ends what runs inside, and removes it. */
  async close(): Promise<void> {
    const ended = [...this.#processes].map(({ exited }) => exited);
    for (const each of this.#processes) each.kill();
    await Promise.allSettled(ended);
    this.remove();
  }

  /** The same at once, for the end of this process. */
  remove(): void {
    if (!open.delete(this)) return;
    for (const each of this.#processes) each.kill();
    removeByName(this.name);
  }
}

function directoryOf(name: string): string {
  return join(tmpdir(), name);
}

function ip(): string {
  return findPeer("ip")?.path ?? "ip";
}

/** Joins two namespaces by a pair of interfaces of that name. */
export function joinNamespaces(a: NetworkNamespace, b: NetworkNamespace, name: string): void {
  runIp("-n", a.name, "link", "add", name, "type", "veth", "peer", "name", name, "netns", b.name);
}

/** Runs `ip` in a namespace. @throws Error with what it said. */
export function runIpIn(namespace: NetworkNamespace, ...args: string[]): void {
  runIp("-n", namespace.name, ...args);
}

function runIp(...args: string[]): void {
  execFileSync(ip(), args, { stdio: ["ignore", "ignore", "pipe"] });
}

function removeByName(name: string): void {
  try {
    runIp("netns", "del", name);
  } catch {
    // It was not made.
  }
  rmSync(join(ETC, name), { recursive: true, force: true });
  rmSync(directoryOf(name), { recursive: true, force: true, maxRetries: 3 });
}

/** Removes what processes left that were killed before they could. */
function sweep(): void {
  const made = execFileSync(ip(), ["netns", "list"], { encoding: "utf8" }).split(/\s+/);
  for (const name of new Set([...made, ...readdirSync(tmpdir())])) {
    const owner = new RegExp(`^${PREFIX}-(\\d+)-\\d+$`).exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) removeByName(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function guardExit(): void {
  if (isGuarding) return;
  isGuarding = true;
  const removeAll = () => {
    for (const namespace of [...open]) namespace.remove();
  };
  process.on("exit", removeAll);
  // Who ends this process by the signal is `processes.ts`, after this.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, removeAll);
}
