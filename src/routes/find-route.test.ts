/** Tests of the search of a table: domains, paths, headers, shares; what is remembered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedRng, seededRng } from "../base/index.ts";
import { Status } from "../grpc/index.ts";
import { headerList } from "../http2/index.ts";
import { REMEMBERED_CHARS_MAX, REMEMBERED_MAX, RouteFinder } from "./find-route.ts";
import { parseRegex, REGEX_CHARS_MAX, REGEX_PROGRAM_MAX } from "./regex.ts";
import type { HeaderMatch, PathMatch, Route, VirtualHost } from "./table.ts";

const NONE = scriptedRng();
const ANY: PathMatch = { kind: "prefix", value: "", ignoresCase: false };

function route(name: string, path: PathMatch = ANY, headers: HeaderMatch[] = []): Route {
  const action = {
    kind: "refuse",
    status: Status.UNAVAILABLE,
    httpStatus: 503,
    reason: "",
  } as const;
  return { name, match: { path, headers, perMillion: null }, action };
}

function host(domains: string[], ...routes: Route[]): VirtualHost {
  return { name: domains.join(), domains, routes };
}

function finder(...hosts: VirtualHost[]): RouteFinder {
  return new RouteFinder({ hosts });
}

function find(of: RouteFinder, authority: string, path = "/a.B/C", pairs: [string, string][] = []) {
  return of.find(authority, path, headerList(pairs), NONE)?.name ?? null;
}

const DOMAINS = finder(
  host(["*"], route("any")),
  host(["prod.*"], route("prefix")),
  host(["*.example.com"], route("short suffix")),
  host(["*.a.example.com", "other.example"], route("long suffix")),
  host(["b.a.example.com"], route("whole")),
  host(["c.example:8080"], route("with port")),
  host(["c.example"], route("without port")),
  host(["[::1]"], route("IPv6")),
);

const AUTHORITIES: readonly (readonly [authority: string, found: string])[] = [
  ["b.a.example.com", "whole"],
  ["B.A.Example.COM", "whole"],
  ["b.a.example.com:443", "whole"],
  ["x.a.example.com", "long suffix"],
  ["x.y.example.com:1", "short suffix"],
  ["example.com", "any"],
  ["a.example.com", "short suffix"],
  ["other.example", "long suffix"],
  ["prod.example.com", "short suffix"],
  ["prod.x", "prefix"],
  ["c.example:8080", "with port"],
  ["c.example:8081", "without port"],
  ["[::1]:50051", "IPv6"],
  ["", "any"],
];

for (const [authority, found] of AUTHORITIES) {
  test(`domains: ${JSON.stringify(authority)} belongs to ${found}`, () => {
    assert.equal(find(DOMAINS, authority), found);
    assert.equal(find(DOMAINS, authority), found, "when it is remembered");
  });
}

test("an authority that no domain is for has no route", () => {
  assert.equal(find(finder(host(["a"], route("a"))), "b"), null);
});

const PATHS = finder(
  host(
    ["*"],
    route("exact", { kind: "exact", value: "/a.B/C", ignoresCase: false }),
    route("any case", { kind: "exact", value: "/a.B/c", ignoresCase: true }),
    route("prefix", { kind: "prefix", value: "/a.B/", ignoresCase: false }),
    route("regex", { kind: "regex", regex: parseRegex("/[a-z]+\\.X/(Get|List)") }),
    route("second", { kind: "exact", value: "/a.B/C", ignoresCase: false }),
  ),
);

for (const [path, found] of [
  ["/a.B/C", "exact"],
  ["/a.B/C?x=/y", "exact"],
  ["/A.b/C", "any case"],
  ["/a.B/D", "prefix"],
  ["/a.B", null],
  ["/abc.X/Get", "regex"],
  ["/abc.X/GetMore", null],
  ["x/abc.X/Get", null],
] as const) {
  test(`paths: ${path} takes ${found}`, () => {
    assert.equal(find(PATHS, "a", path), found);
    assert.equal(find(PATHS, "a", path), found, "when it is remembered");
  });
}

function header(value: HeaderMatch["value"], inverts = false): HeaderMatch {
  return { name: "x", inverts, value };
}
const text = (kind: "exact" | "prefix" | "suffix" | "contains", value: string) =>
  ({ kind, text: value, ignoresCase: false }) as const;

const HEADERS: readonly (readonly [string, HeaderMatch, values: string[], matches: boolean])[] = [
  ["exact", header(text("exact", "one")), ["one"], true],
  ["exact, case counts", header(text("exact", "one")), ["One"], false],
  ["exact, any case", header({ ...text("exact", "one"), ignoresCase: true }), ["ONE"], true],
  ["several values are joined", header(text("exact", "one,two")), ["one", "two"], true],
  ["prefix", header(text("prefix", "on")), ["one"], true],
  ["suffix", header(text("suffix", "on")), ["one"], false],
  ["contains", header(text("contains", "n")), ["one"], true],
  ["absent", header(text("contains", "")), [], false],
  ["inverted", header(text("exact", "one"), true), ["two"], true],
  ["inverted and absent", header(text("exact", "one"), true), [], false],
  ["present", header({ kind: "present", isPresent: true }), ["a"], true],
  ["present, inverted", header({ kind: "present", isPresent: true }, true), [], true],
  ["absent is wanted", header({ kind: "present", isPresent: false }), [], true],
  ["range, from", header({ kind: "range", from: -2, to: 5 }), ["-2"], true],
  ["range, to", header({ kind: "range", from: -2, to: 5 }), ["5"], false],
  ["range, no number", header({ kind: "range", from: 0, to: 5 }), ["1.0"], false],
  ["regex", header({ kind: "regex", regex: parseRegex("v[0-9]+") }), ["v12"], true],
  ["regex matches the whole", header({ kind: "regex", regex: parseRegex("v") }), ["v12"], false],
];

for (const [name, match, values, matches] of HEADERS) {
  test(`headers: ${name}`, () => {
    const of = finder(host(["*"], route("found", ANY, [match])));
    const pairs = values.map((value): [string, string] => ["x", value]);
    assert.equal(find(of, "a", "/a.B/C", pairs) !== null, matches);
  });
}

test("all headers of a match must be met, and the first route that matches counts", () => {
  const other: HeaderMatch = { name: "y", inverts: false, value: text("exact", "2") };
  const both = route("both", ANY, [header(text("exact", "1")), other]);
  const of = finder(host(["*"], both, route("rest")));
  assert.equal(find(of, "a", "/p", [["x", "1"]]), "rest");
  assert.equal(
    find(of, "a", "/p", [
      ["x", "1"],
      ["y", "2"],
    ]),
    "both",
  );
});

test("a route takes its share of calls", () => {
  const share = route("share");
  const some = { ...share, match: { ...share.match, perMillion: 250_000 } };
  const of = finder(host(["*"], some, route("rest")));
  const of4 = [249_999, 250_000, 0, 999_999].map(
    (value) => of.find("a", "/p", headerList([]), scriptedRng(value))?.name,
  );
  assert.deepEqual(of4, ["share", "rest", "share", "rest"]);
});

test("what callers make up is remembered within bounds, and found all the same", () => {
  const of = finder(
    host(["*.x"], route("prefix", { kind: "prefix", value: "/a", ignoresCase: false })),
  );
  for (let i = 0; i < REMEMBERED_MAX + 10; i += 1) {
    assert.equal(find(of, `h${i}.x`, `/a${i}`), "prefix");
    assert.equal(find(of, `h${i}.y`, `/a${i}`), null);
  }
  // Three for each round, and forgotten as a whole: what is left is less than the bound.
  const left = (3 * (REMEMBERED_MAX + 10)) % REMEMBERED_MAX;
  assert.equal(of.rememberedCount, left);
  const long = "l".repeat(REMEMBERED_CHARS_MAX + 1);
  assert.equal(find(of, `${long}.x`, `/a${long}`), "prefix");
  assert.equal(of.rememberedCount, left);
});

test("a regular expression is matched in linear time, and what RE2 has not is refused", () => {
  assert.equal(parseRegex("(a+)+b").test("a".repeat(20_000)), false);
  for (const [source, clause] of [
    ["(a)\\1", /invalid escape/],
    ["(?=a)", /invalid or unsupported Perl syntax/],
    ["(", /missing closing/],
    ["a".repeat(REGEX_CHARS_MAX + 1), /4097 characters, at most 4096/],
    ["(a{500}){9}", /instructions, at most 4096|invalid repeat/],
  ] as const) {
    assert.throws(() => parseRegex(source), { name: "RangeError", message: clause });
  }
  assert.equal(REGEX_PROGRAM_MAX, 4_096);
});

test("the same seed finds the same routes", () => {
  const share = route("share");
  const some = { ...share, match: { ...share.match, perMillion: 500_000 } };
  const of = finder(host(["*"], some, route("rest")));
  const run = (): string => {
    const rng = seededRng(7);
    const names = Array.from({ length: 64 }, () => of.find("a", "/p", headerList([]), rng)?.name);
    return names.join();
  };
  assert.equal(run(), run());
});
