/** Addresses as text, defaults within bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { listenAddressText } from "../transport/index.ts";
import {
  PROXY_BOUNDS,
  PROXY_DEFAULTS,
  tryParseListenAddress,
  tryParseTcpAddress,
} from "./config.ts";

const ADDRESSES: [text: string, parsed: unknown][] = [
  ["127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  ["[::1]:65535", { host: "::1", port: 65_535 }],
  ["[fe80::1%eth0]:1", { host: "fe80::1%eth0", port: 1 }],
  ["unix:/run/a.sock", { path: "/run/a.sock" }],
  ["unix:///run/a.sock", { path: "/run/a.sock" }],
  ["unix:a.sock", { path: "a.sock" }],
  ["8080", null],
  [":8080", null],
  ["127.0.0.1", null],
  ["127.0.0.1:", null],
  ["127.0.0.1:65536", null],
  ["127.0.0.1:-1", null],
  ["::1:80", null],
  ["[zz]:80", null],
  ["a b:80", null],
  ["unix:", null],
  ["unix:a\0b", null],
];

for (const [text, parsed] of ADDRESSES) {
  test(`${JSON.stringify(text)} is ${parsed === null ? "no address" : "an address"}`, () => {
    const address = tryParseListenAddress(text);
    assert.deepEqual(address, parsed);
    if (address !== null) {
      assert.deepEqual(tryParseListenAddress(listenAddressText(address)), parsed);
    }
  });
}

test("an address of TCP only takes no Unix socket", () => {
  assert.equal(tryParseTcpAddress("unix:/run/a.sock"), null);
});

test("every default lies within its bounds", () => {
  for (const [name, { min, max }] of Object.entries(PROXY_BOUNDS)) {
    const value = PROXY_DEFAULTS[name as keyof typeof PROXY_BOUNDS];
    assert.ok(value >= min && value <= max, name);
  }
});
