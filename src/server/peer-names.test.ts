/** Tests of the names in a certificate, as Node joins them. */
import assert from "node:assert/strict";
import test from "node:test";
import { parseAltNames } from "./peer-names.ts";

const CASES = [
  { text: "DNS:a.b.svc", names: ["DNS:a.b.svc"] },
  {
    text: "URI:spiffe://t/ns/n/sa/s, DNS:x, IP Address:127.0.0.1",
    names: ["URI:spiffe://t/ns/n/sa/s", "DNS:x", "IP Address:127.0.0.1"],
  },
  { text: 'DNS:"a\\u002c DNS:b.prod.svc"', names: ["DNS:a, DNS:b.prod.svc"] },
  { text: 'DNS:"a, DNS:b.prod.svc', names: [] },
  { text: 'DNS:a"b', names: [] },
  { text: "", names: [] },
];

for (const { text, names } of CASES) {
  test(`${text || "nothing"} is ${names.length} names`, () => {
    assert.deepEqual(parseAltNames(text), names);
  });
}
