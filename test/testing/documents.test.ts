/**
 * docs/testing.md names every member of what users hold, and every kind of fault; and says what its
 * first block needs before it stands there.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rootDir } from "../peers/paths.ts";

const types = readFileSync(join(rootDir, "src/testing/types.ts"), "utf8");
const document = readFileSync(join(rootDir, "docs/testing.md"), "utf8");
const [, reference = ""] = document.split("\n## Reference\n");
const [, section = ""] = /([\s\S]*?)\n## /.exec(reference) ?? [];

/** Names of the members of an interface, without symbols. */
function membersOf(name: string): string[] {
  const [, body = ""] = new RegExp(`^export interface ${name}\\b.*\\{\n([\\s\\S]*?)^\\}`, "m").exec(
    types,
  )!;
  const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, each]) => each!);
  assert.notDeepEqual(members, [], name);
  return members;
}

const names = [...types.matchAll(/^export interface (\w+)/gm)].map(([, name]) => name!);

for (const name of names) {
  test(`every member of ${name} is in the reference`, () => {
    const code = [...section.matchAll(/`([^`]+)`/g)].map(([, text]) => text).join(" ");
    const missing = membersOf(name).filter((each) => !new RegExp(`\\b${each}\\b`).test(code));
    assert.deepEqual(missing, []);
  });
}

test("every kind of fault of the API server is in its table", () => {
  const [, body = ""] = /interface ApiFault \{[\s\S]*?readonly kind:([^;]*);/.exec(types)!;
  const kinds = [...body.matchAll(/"([\w-]+)"/g)].map(([, kind]) => kind!);
  assert.ok(kinds.length > 5);
  for (const kind of kinds) assert.match(section, new RegExp(`^\\|.*\`${kind}\``, "m"));
});

// `npm init -y` writes "type": "commonjs": the first block failed there with "Cannot use import
// statement outside a module".
test("before the first block stands how it runs in an empty directory", () => {
  const [before = ""] = document.split("\n```ts");
  assert.match(before, /^npm init -y && npm pkg set type=module\b/m);
  assert.match(before, /^node --test \S+\.test\.ts\b/m);
  assert.match(before, /@grpc\/grpc-js/);
});
