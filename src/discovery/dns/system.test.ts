/**
 * Tests of the machine's own DNS: names of the hosts file, and a small DNS server on loopback that
 * answers as real ones do. On real time, because Node's resolver is.
 */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { type DnsServers, systemDns } from "./index.ts";

const TYPE_A = 1;
const TYPE_AAAA = 28;
const TYPE_SRV = 33;
/** What names are answered with, by their first label. */
const RCODES: Readonly<Record<string, number>> = { servfail: 2, nxdomain: 3, refused: 5 };

let socket: Socket;
let server: string;
let askedCount = 0;

before(async () => {
  socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    askedCount += 1;
    const reply = answer(query);
    if (reply !== null) socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  server = `127.0.0.1:${(socket.address() as AddressInfo).port}`;
});

after(() => socket.close());

/** The reply to one question (RFC 1035 §4.1), by the first label of its name. */
function answer(query: Buffer): Buffer | null {
  const labels: string[] = [];
  let pos = 12;
  for (; query[pos] !== 0; pos += query[pos] + 1) {
    labels.push(query.toString("latin1", pos + 1, pos + 1 + query[pos]));
  }
  const type = query.readUInt16BE(pos + 1);
  const question = query.subarray(12, pos + 5);
  if (labels[0] === "silent") return null;
  const rcode = RCODES[labels[0]] ?? 0;
  const records: Buffer[] = [];
  if (labels[0] === "both" && type === TYPE_A) {
    records.push(record(type, 30, [10, 0, 0, 1]), record(type, 9, [10, 0, 0, 2]));
  }
  if (labels[0] === "both" && type === TYPE_AAAA) {
    records.push(record(type, 5, [0xfd, ...new Array(14).fill(0), 1]));
  }
  if (labels[0] === "srv" && type === TYPE_SRV) {
    const port = [50_051 >> 8, 50_051 & 255];
    records.push(record(type, 5, [0, 10, 0, 5, ...port, 1, 0x41, 1, 0x42, 0])); // "A.B"
    records.push(record(type, 5, [0, 0, 0, 0, 0, 1, 0])); // "."
  }
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | rcode, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question, ...records]);
}

function record(type: number, ttlSeconds: number, data: number[]): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, ttlSeconds, 0, data.length]);
  return Buffer.concat([head, Buffer.from(data)]);
}

const SYSTEM = systemDns();

/** This machine's resolv.conf, or null. */
const text = () => readFile("/etc/resolv.conf", "utf8").catch(() => null);

/** The server of this file, asked once. */
const via = (timeoutMs = 2000): DnsServers => ({ addresses: [server], timeoutMs, attempts: 1 });

test("localhost resolves as everywhere on this machine, without a TTL", async () => {
  const { addresses, ttlMs } = await SYSTEM.lookupAddresses("localhost", 4);
  assert.ok(addresses.includes("127.0.0.1"), `${addresses}`);
  assert.equal(ttlMs, null);
});

test("the server that is named is asked; its shortest TTL counts", async () => {
  const a = await SYSTEM.queryAddresses("both.test", 4, via());
  assert.deepEqual([...a.addresses].sort(), ["10.0.0.1", "10.0.0.2"]);
  assert.equal(a.ttlMs, 9000);
  const aaaa = await SYSTEM.queryAddresses("both.test", 6, via());
  assert.deepEqual(aaaa, { addresses: ["fd00::1"], ttlMs: 5000 });
});

test("SRV records, their targets in lower case, and the target that says not offered", async () => {
  assert.deepEqual(await SYSTEM.querySrv("srv.test", via()), [
    { target: "a.b", port: 50_051, priority: 10, weight: 5 },
    { target: "", port: 1, priority: 0, weight: 0 },
  ]);
});

test("what a server says comes out as the code that the resolver goes by", async () => {
  const code = (text: string) => ({ name: "Error", code: text });
  const ask = (host: string, timeoutMs?: number) => SYSTEM.queryAddresses(host, 4, via(timeoutMs));
  await assert.rejects(ask("nxdomain.test"), code("ENOTFOUND"));
  await assert.rejects(ask("nodata.test"), code("ENODATA"));
  await assert.rejects(ask("servfail.test"), code("ESERVFAIL"));
  await assert.rejects(ask("refused.test"), code("EREFUSED"));
  await assert.rejects(ask("silent.test", 50), code("ETIMEOUT"));
  await assert.rejects(SYSTEM.querySrv("nxdomain.test", via()), code("ENOTFOUND"));
});

test("an answer is asked for again, not remembered", async () => {
  const before = askedCount;
  await SYSTEM.queryAddresses("both.test", 4, via());
  await SYSTEM.queryAddresses("both.test", 4, via());
  assert.equal(askedCount - before, 2);
});

test("a nonsensical server is an error of the question", async () => {
  const servers = { addresses: ["nobody"], timeoutMs: 1000, attempts: 1 };
  await assert.rejects(SYSTEM.queryAddresses("a.test", 4, servers), /Invalid IP address/);
});

test("a file's text, and null for what cannot be read", async () => {
  assert.match((await SYSTEM.readText("package.json")) ?? "", /"fairlead"/);
  assert.equal(await SYSTEM.readText("no/such/file"), null);
});

test("the resolv.conf of macOS is none", async () => {
  assert.equal(await systemDns("darwin").readText("/etc/resolv.conf"), null);
  assert.equal(await systemDns("linux").readText("/etc/resolv.conf"), await text());
  assert.match((await systemDns("darwin").readText("package.json")) ?? "", /"fairlead"/);
});

test("the kernel knows the way to loopback, and none to what is no address of its own", async () => {
  assert.equal(await SYSTEM.hasRoute("127.0.0.1"), true);
  // Link-local without an interface: no kernel knows where that is.
  assert.equal(await SYSTEM.hasRoute("fe80::1"), false);
});

test("the machine has a name", () => assert.notEqual(SYSTEM.hostname(), ""));
