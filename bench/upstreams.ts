/**
 * The servers behind the proxies: nghttpd for h2load, our grpc-go echo server for gRPC clients.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  freePort,
  freePorts,
  type RunningProcess,
  startProcess,
  waitForPort,
} from "../test/peers/processes.ts";
import { H2LOAD_BODY_BYTES, H2LOAD_PATH } from "./loads/h2load.ts";
import type { Behind } from "./loads/load.ts";
import { requireProgram } from "./programs.ts";

/** Running servers. */
export interface Upstreams {
  /** "IP:PORT" of each endpoint. */
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

/** Starts what a load wants behind the proxy. */
export async function startUpstreams(behind: Behind, dir: string): Promise<Upstreams> {
  if (behind.isOneProcess) return startManyEndpoints(behind.endpoints);
  const ports = await freePorts(behind.endpoints);
  const running = ports.map((port) =>
    behind.kind === "nghttpd" ? startNghttpd(port, dir) : startEcho([`127.0.0.1:${port}`]),
  );
  await Promise.all(ports.map((port) => waitForPort(port)));
  return { addresses: ports.map((port) => `127.0.0.1:${port}`), stop: () => stopEach(running) };
}

/** One echo server on many loopback addresses: to a proxy, as many endpoints. */
async function startManyEndpoints(count: number): Promise<Upstreams> {
  const port = await freePort();
  const addresses = Array.from(
    { length: count },
    (_, i) => `127.1.${Math.floor(i / 250)}.${(i % 250) + 1}:${port}`,
  );
  const running = startEcho(addresses);
  await running.waitFor(/^ready/m);
  return { addresses, stop: () => stopEach([running]) };
}

function startNghttpd(port: number, dir: string): RunningProcess {
  const file = join(dir, "htdocs", H2LOAD_PATH);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, Buffer.alloc(H2LOAD_BODY_BYTES, 0x78));
  const args = ["--no-tls", "-a", "127.0.0.1", "-d", join(dir, "htdocs"), String(port)];
  return startProcess(requireProgram("nghttpd"), args, { name: "nghttpd" });
}

function startEcho(addresses: readonly string[]): RunningProcess {
  const args = ["-listen", addresses.join(",")];
  return startProcess(requireProgram("echo-server"), args, { name: "echo-server" });
}

async function stopEach(running: readonly RunningProcess[]): Promise<void> {
  await Promise.all(running.map((each) => each.stop(500)));
}
