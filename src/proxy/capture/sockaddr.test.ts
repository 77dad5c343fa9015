/**
 * Addresses in the kernel's layout, the first bytes of a client, and what is known by address.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { destinationsOf } from "./destinations.ts";
import { judgeFirstBytes } from "./first-bytes.ts";
import { destinationText, plainIp, readSockaddr } from "./sockaddr.ts";

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", "").padEnd(56, "0"), "hex");
}

test("struct sockaddr_in and sockaddr_in6 are read; the family is in host order, all else not", () => {
  // family 2, port 50051, 10.96.0.7
  assert.deepEqual(readSockaddr(bytes("0200 c383 0a600007")), { ip: "10.96.0.7", port: 50051 });
  // family 10, port 443, flow 0, fd00:10:96::7
  const ipv6 = bytes("0a00 01bb 00000000 fd000010009600000000000000000007");
  assert.deepEqual(readSockaddr(ipv6), { ip: "fd00:10:96::7", port: 443 });
  assert.equal(readSockaddr(bytes("0100")), null);
});

test("an address has one spelling", () => {
  assert.equal(plainIp("::ffff:10.96.0.7"), "10.96.0.7");
  assert.equal(plainIp("::FFFF:0a60:0007"), "10.96.0.7");
  assert.equal(plainIp("FD00:0::1"), "fd00::1");
  assert.equal(plainIp("fe80::1%eth0"), "fe80::1");
  assert.equal(plainIp("10.0.0.1"), "10.0.0.1");
  assert.equal(destinationText({ ip: "fd00::1", port: 1 }), "[fd00::1]:1");
});

test("RFC 9113 §3.4: the preface is told from everything else by the first byte that differs", () => {
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
  for (let count = 0; count < preface.length; count += 1) {
    assert.equal(judgeFirstBytes(preface.subarray(0, count)), "more");
    const wrong = Buffer.from(preface.subarray(0, count + 1));
    wrong[count]! ^= 1;
    assert.equal(judgeFirstBytes(wrong), "other");
  }
  assert.equal(judgeFirstBytes(preface), "http2");
  assert.equal(judgeFirstBytes(Buffer.concat([preface, Buffer.from("more")])), "http2");
});

test("a destination is known by address and port, in any spelling of the configuration", () => {
  const spec = (name: string, host: string, port: number) => ({
    ...{ name, address: { host, port }, chains: [] },
  });
  const table = destinationsOf({
    clusters: new Map(),
    listeners: [
      spec("a", "10.96.0.7", 50051),
      spec("late", "10.96.0.7", 50051),
      spec("b", "FD00:10:96:0::7", 50051),
      { name: "own calls", address: null, chains: [] },
    ],
  });
  assert.equal(table.size, 2);
  assert.equal(table.find({ ip: "10.96.0.7", port: 50051 })?.name, "a");
  assert.equal(table.find({ ip: "fd00:10:96::7", port: 50051 })?.name, "b");
  assert.equal(table.find({ ip: "10.96.0.7", port: 50052 }), null);
});
