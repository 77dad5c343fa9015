/** Tests of one file of objects: what a change of one object among many costs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FileNote, ObjectFile } from "./object-file.ts";

function service(name: string, port: number): string {
  return `kind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}}]}\n`;
}

/** Takes a text in, and counts the steps of it. */
function take(file: ObjectFile, text: string): { notes: FileNote[]; stepCount: number } {
  const work = file.take(text, "default");
  for (let stepCount = 0; ; stepCount += 1) {
    const step = work.next();
    if (step.done === true) return { notes: step.value, stepCount };
  }
}

const BOTH = ["Service default/a", "Service default/b"];

test("objects that say the same stay the same objects, whatever changes around them", () => {
  const yaml = new ObjectFile("all.yaml");
  take(yaml, [service("a", 1), service("b", 1)].join("---\n"));
  const [a, b] = BOTH.map((id) => yaml.objects.get(id));
  take(yaml, [service("b", 2), "# a comment\n", service("a", 1)].join("---\n"));
  assert.equal(yaml.objects.get(BOTH[0]), a);
  assert.notEqual(yaml.objects.get(BOTH[1]), b);

  // A list is one document, and JSON has no pieces: all is parsed again, and compared once.
  const json = new ObjectFile("all.json");
  const list = (port: number) =>
    JSON.stringify({
      kind: "ServiceList",
      items: [
        { metadata: { name: "a" }, spec: { ports: [{ port: 1 }] } },
        { metadata: { name: "b" }, spec: { ports: [{ port }] } },
      ],
    });
  take(json, list(1));
  const [c, d] = BOTH.map((id) => json.objects.get(id));
  take(json, list(2));
  assert.equal(json.objects.get(BOTH[0]), c);
  assert.notEqual(json.objects.get(BOTH[1]), d);
});

test("a file is left as it was until the last of its steps, of which there is one a document", () => {
  const file = new ObjectFile("all.yaml");
  const texts = Array.from({ length: 50 }, (_, i) => service(`s${i}`, 1));
  assert.ok(take(file, texts.join("---\n")).stepCount >= 50);
  const work = file.take(texts.slice(1).join("---\n"), "default");
  for (let step = work.next(); step.done !== true; step = work.next()) {
    assert.equal(file.objects.size, 50);
  }
  assert.equal(file.objects.size, 49);
});

test("what is wrong is told again with every change, at the line where it stands then", () => {
  const file = new ObjectFile("all.yaml");
  const bad = "kind: Service\nmetadata: {name: bad}\nspec: {ports: 7}\n";
  const told = (text: string) => take(file, text).notes.map(({ at }) => at);
  assert.deepEqual(told([service("a", 1), bad].join("---\n")), ["all.yaml:7:15"]);
  assert.deepEqual(told([service("a", 1), service("b", 1), bad].join("---\n")), ["all.yaml:11:15"]);
  // Its last good version stays.
  take(file, [service("bad", 1), service("a", 1)].join("---\n"));
  const good = file.objects.get("Service default/bad");
  assert.deepEqual(told([bad, service("a", 1)].join("---\n")), ["all.yaml:3:15"]);
  assert.equal(file.objects.get("Service default/bad"), good);
});
