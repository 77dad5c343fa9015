/**
 * The journal: a store comes back as it was, however it ended.
 */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { seededRng, VirtualClock } from "../../base/index.ts";
import { serviceBody } from "./cluster.fixture.ts";
import { openJournal } from "./journal.ts";
import { Objects } from "./objects.ts";
import { Store } from "./store.ts";

function file(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "fairlead-journal-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "journal");
}

function open(path: string) {
  const store = new Store();
  const journal = openJournal(path, store);
  const objects = new Objects({ store, clock: new VirtualClock(), rng: seededRng(1) });
  return { store, journal, objects };
}

test("objects, revision and history come back", (t) => {
  const path = file(t);
  const first = open(path);
  first.objects.create("Namespace", "", { metadata: { name: "default" } });
  const { revision } = first.store;
  first.objects.create("Service", "default", serviceBody("a"));
  first.objects.create("Service", "default", serviceBody("b"));
  first.objects.delete({ kind: "Service", namespace: "default", name: "a" });
  first.journal.close();
  const second = open(path);
  t.after(() => second.journal.close());
  assert.equal(second.store.revision, first.store.revision);
  assert.deepEqual([...second.store.all("Service")], [...first.store.all("Service")]);
  assert.deepEqual(second.store.since("Service", revision), first.store.since("Service", revision));
});

test("a last line that was cut off is dropped, and what follows is whole", (t) => {
  const path = file(t);
  const first = open(path);
  first.objects.create("Namespace", "", { metadata: { name: "default" } });
  first.journal.close();
  const whole = readFileSync(path, "utf8");
  appendFileSync(path, '{"type":"ADDED","revision":3,"ki');
  const second = open(path);
  assert.equal(second.store.revision, first.store.revision);
  second.objects.create("Namespace", "", { metadata: { name: "prod" } });
  second.journal.close();
  const lines = readFileSync(path, "utf8").slice(whole.length).trimEnd().split("\n");
  assert.equal(lines.length, 1);
  assert.equal(JSON.parse(lines[0]!).object.metadata.name, "prod");
});

test("a compaction is remembered", (t) => {
  const path = file(t);
  const first = open(path);
  first.objects.create("Namespace", "", { metadata: { name: "default" } });
  first.journal.compact();
  first.journal.close();
  const { store, journal } = open(path);
  t.after(() => journal.close());
  assert.equal(store.compacted, first.store.revision);
  assert.equal(store.since("Namespace", 1), null);
});

test("a file that is no journal is refused with its line", (t) => {
  const path = file(t);
  writeFileSync(path, "hello\n");
  assert.throws(() => openJournal(path, new Store()), /journal:1: is no line of a journal/);
});
