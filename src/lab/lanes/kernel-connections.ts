/**
 * The TCP connections of this network namespace, as the kernel lists them (proc(5),
 * /proc/net/tcp): where connections to a virtual IP went that rules of the kernel have given away.
 * The client's end has the virtual IP as its remote; that of who took the connection has the
 * client's address, because the rules change the destination alone.
 */
import { readFile } from "node:fs/promises";
import { LabError } from "../error.ts";
import type { Carried } from "../why/index.ts";

/** ESTABLISHED, in hexadecimal. */
const ESTABLISHED = "01";

/** Those to a virtual IP, ip:port. Rejects with `LabError` when the kernel does not tell. */
export async function connectionsTo(virtual: string): Promise<readonly Carried[]> {
  try {
    return carriedOf(await readFile("/proc/net/tcp", "utf8"), virtual);
  } catch (error) {
    throw new LabError(`the kernel does not tell its connections: ${(error as Error).message}`);
  }
}

/** The same of the text of that file, in the order in which it has them. */
export function carriedOf(text: string, virtual: string): readonly Carried[] {
  const ends = text.split("\n").slice(1).flatMap(endOf);
  const takenBy = new Map(ends.map(({ local, remote }) => [remote, local]));
  return ends.flatMap(({ local, remote }) => {
    const to = takenBy.get(local);
    return remote === virtual && to !== undefined ? [{ from: local, to }] : [];
  });
}

interface End {
  readonly local: string;
  readonly remote: string;
}

function endOf(line: string): readonly End[] {
  const [, local = "", remote = "", state = ""] = line.trim().split(/\s+/);
  return state === ESTABLISHED ? [{ local: addressOf(local), remote: addressOf(remote) }] : [];
}

/** "0100007F:1F90" as 127.0.0.1:8080: the bytes of an address in the order of a number. */
function addressOf(hex: string): string {
  const [ip = "", port = ""] = hex.split(":");
  const bytes = ip.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  return `${bytes.toReversed().join(".")}:${Number.parseInt(port, 16)}`;
}
