/** Tests of the machine's files: resolv.conf, hosts, and that both are read again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../../base/index.ts";
import { FakeDns } from "./fake-dns-suite.ts";
import { findInHosts, parseHostsFile } from "./hosts-file.ts";
import { FILE_AGE_MS_MAX, Machine } from "./machine.ts";
import { candidatesOf, parseResolvConf, RESOLV_CONF_DEFAULT } from "./resolv-conf.ts";

const POD = `# of a pod
search default.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
`;

test("a pod's resolv.conf", () => {
  assert.deepEqual(parseResolvConf(POD, "echo-7d9f"), {
    addresses: ["10.96.0.10"],
    search: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"],
    ndots: 5,
    timeoutMs: 5000,
    attempts: 2,
    rotate: false,
  });
});

const LINES: readonly (readonly [name: string, text: string, want: object])[] = [
  ["no server: this machine", "", { addresses: ["127.0.0.1"], search: [], ndots: 1 }],
  [
    "three servers at most, and only addresses",
    "nameserver ::1\nnameserver ns.example\nnameserver 10.0.0.1 # a\nnameserver 10.0.0.2\n" +
      "nameserver 10.0.0.3",
    { addresses: ["::1", "10.0.0.1", "10.0.0.2"] },
  ],
  ["the last of search and domain counts", "search a b\ndomain C.\n", { search: ["c"] }],
  ["search after domain", "domain c\n  search\ta   b. \r\n", { search: ["a", "b"] }],
  ["the root among the domains", "search . a\n", { search: ["", "a"] }],
  ["comments are none of it", "#search a\n;search b\nnameserver\nsearch\n", { search: [] }],
  [
    "options on several lines, with their limits",
    "options ndots:99 rotate\noptions timeout:99 attempts:99 edns0\n",
    { ndots: 15, timeoutMs: 30_000, attempts: 5, rotate: true },
  ],
  [
    "options that make no sense are passed over",
    "options ndots:x timeout:0 attempts:0 timeout: ndots\n",
    { ndots: 1, timeoutMs: 5000, attempts: 2 },
  ],
  ["ndots may be 0", "options ndots:0\n", { ndots: 0 }],
];

for (const [name, text, want] of LINES) {
  test(`resolv.conf: ${name}`, () => {
    const conf = parseResolvConf(text, "machine");
    assert.deepEqual({ ...conf, ...want }, conf);
  });
}

test("without a search list, the machine's own domain is searched", () => {
  assert.deepEqual(parseResolvConf("", "a.prod.example").search, ["prod.example"]);
  assert.deepEqual(parseResolvConf("search b", "a.prod.example").search, ["b"]);
});

const CANDIDATES: readonly (readonly [host: string, text: string, want: string])[] = [
  ["echo.prod", "search a.b c\noptions ndots:5", "echo.prod.a.b echo.prod.c echo.prod"],
  ["echo.prod", "search a.b c", "echo.prod echo.prod.a.b echo.prod.c"],
  ["echo", "search a.b", "echo.a.b echo"],
  ["echo", "search a.b\noptions ndots:0", "echo echo.a.b"],
  ["echo.prod.", "search a.b\noptions ndots:5", "echo.prod"],
  ["echo", "search . a", "echo echo.a"],
  ["echo", "", "echo"],
];

for (const [host, text, want] of CANDIDATES) {
  test(`${host} with ${JSON.stringify(text)} may be ${want}`, () => {
    assert.equal(candidatesOf(host, parseResolvConf(text, "machine")).join(" "), want);
  });
}

test("names that would be too long are not asked", () => {
  const host = `${"a.".repeat(124)}aaa`;
  assert.deepEqual(candidatesOf(host, { ...RESOLV_CONF_DEFAULT, search: ["bcd"], ndots: 15 }), [
    host,
  ]);
});

test("the hosts file: names of one line, of several lines, and nonsense", () => {
  const hosts = parseHostsFile(
    "127.0.0.1 localhost\n::1\tlocalhost ip6-localhost # the same\n10.0.0.1 Echo.Prod echo\r\n" +
      "10.0.0.2 echo\n#10.0.0.3 echo\nnot-an-ip echo\n10.0.0.4\n",
  );
  assert.deepEqual(findInHosts(hosts, "echo"), { a: ["10.0.0.1", "10.0.0.2"], aaaa: [] });
  assert.deepEqual(findInHosts(hosts, "echo.prod."), { a: ["10.0.0.1"], aaaa: [] });
  assert.deepEqual(findInHosts(hosts, "localhost"), { a: ["127.0.0.1"], aaaa: ["::1"] });
  assert.equal(findInHosts(hosts, "other"), null);
});

test("localhost and what is below it is this machine, without any file (RFC 6761)", () => {
  for (const name of ["localhost", "localhost.", "a.localhost"]) {
    assert.deepEqual(findInHosts(new Map(), name), { a: ["127.0.0.1"], aaaa: ["::1"] });
  }
  assert.equal(findInHosts(new Map(), "notlocalhost"), null);
});

test("no text breaks the parsers", () => {
  const words = fc.constantFrom("nameserver", "search", "options", "ndots:", ":", "::1", "#", "\t");
  const text = fc.array(fc.oneof(words, fc.string(), fc.constant("\n"), fc.constant(" ")));
  fc.assert(
    fc.property(text, fc.string(), (parts, hostname) => {
      const conf = parseResolvConf(parts.join(""), hostname);
      assert.ok(conf.addresses.length > 0);
      assert.ok(candidatesOf("echo", conf).length > 0);
      parseHostsFile(parts.join(""));
    }),
  );
});

test("files are read again after a second, and a file that goes is gone", async () => {
  const clock = new VirtualClock();
  const dns = new FakeDns();
  const machine = new Machine(dns, clock);
  dns.files.set("/etc/resolv.conf", "nameserver 10.0.0.1");
  const first = await machine.resolvConf();
  assert.deepEqual(first?.addresses, ["10.0.0.1"]);
  dns.files.set("/etc/resolv.conf", "nameserver 10.0.0.2");
  clock.advance(FILE_AGE_MS_MAX - 1);
  assert.equal(await machine.resolvConf(), first);
  clock.advance(1);
  const both = await Promise.all([machine.resolvConf(), machine.resolvConf()]);
  assert.deepEqual(both[0]?.addresses, ["10.0.0.2"]);
  assert.equal(both[1], both[0]);
  clock.advance(FILE_AGE_MS_MAX);
  assert.equal(await machine.resolvConf(), both[0], "the same text is not parsed again");
  assert.equal(dns.read.length, 3);
  dns.files.clear();
  clock.advance(FILE_AGE_MS_MAX);
  assert.equal(await machine.resolvConf(), null);
  assert.equal((await machine.hosts()).size, 0);
});

test("rotate: each lookup begins with the next server", async () => {
  const dns = new FakeDns();
  const machine = new Machine(dns, new VirtualClock());
  dns.files.set("/etc/resolv.conf", "nameserver ::1\nnameserver ::2\noptions rotate");
  const firsts: string[] = [];
  for (let i = 0; i < 3; i += 1) firsts.push((await machine.resolvConf())?.addresses[0] ?? "");
  assert.deepEqual(firsts, ["::1", "::2", "::1"]);
});
