/**
 * A lock file names every package of every platform: `npm ci` refuses one that does not.
 *
 * npm leaves out the packages of other platforms when the registry at hand does not have them; a
 * fresh clone then could not be installed at all.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

for (const path of ["package-lock.json", "test/peers/ecosystem/package-lock.json"]) {
  const text = readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

  test(`${path}: every dependency that a locked package names is locked, optional ones too`, () => {
    const packages = JSON.parse(text).packages as Readonly<Record<string, LockedPackage>>;
    const missing: string[] = [];
    for (const [from, { dependencies, optionalDependencies }] of Object.entries(packages)) {
      for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
        const isLocked = Object.keys(packages).some((key) => key.endsWith(`node_modules/${name}`));
        if (!isLocked) missing.push(`${from} needs ${name}`);
      }
    }
    assert.deepEqual(missing, []);
  });

  test(`${path} holds no address: any registry can serve it`, () => {
    assert.doesNotMatch(text, /"resolved":/);
  });
}

test("the ecosystem has the grpc-js that everything else is tested with", () => {
  const versionIn = (path: string): string => {
    const text = readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
    return JSON.parse(text).packages["node_modules/@grpc/grpc-js"].version;
  };
  const ours = versionIn("package-lock.json");
  assert.equal(versionIn("test/peers/ecosystem/package-lock.json"), ours);
});
