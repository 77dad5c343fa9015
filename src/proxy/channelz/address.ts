/**
 * "ip:port" and socket paths as channelz' `Address`: IP addresses are 4 or 16 bytes there.
 */
import { isIP } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "../../xds/index.ts";

/** @param text "127.0.0.1:80", "[::1]:80", "unix:/path"; anything else is told as it is. */
export function addressOf(text: string): MessageInitShape<typeof AddressSchema> {
  if (text.startsWith("unix")) {
    return { address: { case: "udsAddress", value: { filename: text.replace(/^unix:?/, "") } } };
  }
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const ip = (v6 ?? v4 ?? "").replace(/%.*$/, "");
  const family = isIP(ip);
  if (family === 0) return { address: { case: "otherAddress", value: { name: text } } };
  const ipAddress = family === 4 ? bytesOfV4(ip) : bytesOfV6(ip);
  return { address: { case: "tcpipAddress", value: { ipAddress, port: Number(port) } } };
}

function bytesOfV4(ip: string): Uint8Array {
  return Uint8Array.from(ip.split("."), Number);
}

/** The URL parser writes any spelling in hexadecimal groups, with at most one "::". */
function bytesOfV6(ip: string): Uint8Array {
  const groups = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const [head = "", tail] = groups.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => "0");
  const all = [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16));
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
