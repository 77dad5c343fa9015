/**
 * Tests of the machine's own DNS: names of the hosts file, and a small DNS server on loopback that
 * answers as real ones do. On real time, because Node's resolver is.
 */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { systemDns } from "./index.ts";

const TYPE_A = 1;
const TYPE_AAAA = 28;
const RCODE_SERVFAIL = 2;
const RCODE_NXDOMAIN = 3;

let socket: Socket;
let server: string;

before(async () => {
  socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const reply = answer(query);
    if (reply !== null) socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  server = `127.0.0.1:${(socket.address() as AddressInfo).port}`;
});

after(() => socket.close());

/** The reply to one question (RFC 1035 §4.1), by the first label of its name. */
function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let pos = 12;
  for (; query[pos] !== 0; pos += query[pos] + 1) {
    labels.push(query.toString("latin1", pos + 1, pos + 1 + query[pos]));
  }
  const type = query.readUInt16BE(pos + 1);
  const question = query.subarray(12, pos + 5);
  let rcode = 0;
  const records: Buffer[] = [];
  if (labels[0] === "servfail") rcode = RCODE_SERVFAIL;
  if (labels[0] === "nxdomain") rcode = RCODE_NXDOMAIN;
  if (labels[0] === "both" && type === TYPE_A) {
    records.push(record(type, 30, [10, 0, 0, 1]), record(type, 9, [10, 0, 0, 2]));
  }
  if (labels[0] === "both" && type === TYPE_AAAA) {
    records.push(record(type, 5, [0xfd, ...new Array(14).fill(0), 1]));
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

test("localhost resolves as everywhere on this machine, without a TTL", async () => {
  const { addresses, ttlMs } = await systemDns().lookup("localhost", 4, null);
  assert.ok(addresses.includes("127.0.0.1"), `${addresses}`);
  assert.equal(ttlMs, null);
});

test("a server in the target is asked directly; its shortest TTL counts", async () => {
  const a = await systemDns().lookup("both.test", 4, server);
  assert.deepEqual([...a.addresses].sort(), ["10.0.0.1", "10.0.0.2"]);
  assert.equal(a.ttlMs, 9000);
  const aaaa = await systemDns().lookup("both.test", 6, server);
  assert.deepEqual(aaaa, { addresses: ["fd00::1"], ttlMs: 5000 });
});

test("what a server says comes out as the code that the resolver goes by", async () => {
  const code = (host: string) => ({ name: "Error", code: host });
  const lookup = (host: string) => systemDns().lookup(host, 4, server);
  await assert.rejects(lookup("nxdomain.test"), code("ENOTFOUND"));
  await assert.rejects(lookup("nodata.test"), code("ENODATA"));
  await assert.rejects(lookup("servfail.test"), code("ESERVFAIL"));
});
