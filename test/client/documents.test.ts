/**
 * docs/client.md says what the sources say: channel arguments, options by name, differences from
 * grpc-js. Each table is compared as a whole, so that neither side drifts.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createFairleadTransport } from "../../src/client/connect/public.ts";
import { CHANNEL_ARGS } from "../../src/client/grpc-js/channel-args.ts";
import { fairleadChannel } from "../../src/client/grpc-js/public.ts";
import { createChannel } from "../../src/client/plain/public.ts";
import { rootDir } from "../peers/paths.ts";
import { DIFFERENCES } from "./suite/differences.ts";

const TARGET = "127.0.0.1:1";
const text = readFileSync(join(rootDir, "docs/client.md"), "utf8");

/** The rows of the first table below a heading, as cells, without its head. */
function tableUnder(heading: string): string[][] {
  const begin = text.indexOf(`\n${heading}\n`);
  assert.notEqual(begin, -1, `there is a heading ${heading}`);
  const [table = ""] = /^\|.*\n(?:^\|.*\n)+/m.exec(text.slice(begin + 1)) ?? [];
  const rows = table.trim().split("\n").slice(2);
  assert.ok(rows.length > 0, `there is a table under ${heading}`);
  return rows.map((row) => row.slice(2, -2).split(" | "));
}

/** The names in the first column there, sorted. */
function namesUnder(...headings: string[]): string[] {
  return headings
    .flatMap(tableUnder)
    .map(([name = ""]) => name.replaceAll("`", ""))
    .sort();
}

/** The options that something takes, as it says itself when it is given another one. */
async function namesOf(take: (options: object) => unknown): Promise<string[]> {
  try {
    await take({ nosuch: 1 });
  } catch (error) {
    const [, list] = /unknown \w*\s?option nosuch: allowed are (.*)$/.exec(String(error)) ?? [];
    return list?.split(", ").sort() ?? assert.fail(String(error));
  }
  return assert.fail("it takes anything");
}

test("the table of channel arguments is that of the sources", () => {
  const expected = Object.entries(CHANNEL_ARGS).map(([name, { treatment, note }]) => [
    `\`${name}\``,
    treatment,
    note,
  ]);
  assert.deepEqual(tableUnder("### Channel arguments"), expected);
});

test("the differences from grpc-js are those that the channel suite asserts", () => {
  const expected = Object.values(DIFFERENCES).map((row) => [
    row.when,
    row.grpcJs,
    row.fairlead,
    row.why,
  ]);
  assert.deepEqual(tableUnder("## Differences from grpc-js"), expected);
});

const SHARED = "### Options of `createChannel` and of `createFairleadTransport`";

test("fairleadChannel: every option is in its table, and no other", async () => {
  const names = await namesOf((options) => fairleadChannel(options));
  assert.deepEqual(namesUnder("### Options of `fairleadChannel`"), names);
});

test("createChannel: every option is in a table, and no other", async () => {
  const names = await namesOf((options) => createChannel(TARGET, options));
  assert.deepEqual(namesUnder(SHARED, "### Options of `createChannel` alone"), names);
});

test("createFairleadTransport: every option is in a table, and no other", async () => {
  const names = await namesOf((options) => createFairleadTransport({ target: TARGET, ...options }));
  const own = "### Options of `createFairleadTransport` alone";
  assert.deepEqual(namesUnder(SHARED, own), names);
});

test("a call of the plain API: every option is in its table, and no other", async () => {
  using channel = createChannel(TARGET);
  const bytes = (message: Uint8Array): Uint8Array => message;
  const method = { path: "/a.B/C", encode: bytes, decode: bytes };
  const names = await namesOf((options) => channel.unary(method, new Uint8Array(), options));
  assert.deepEqual(namesUnder("### Options of a call"), names);
});
