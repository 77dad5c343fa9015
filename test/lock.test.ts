/**
 * The lock file names every package of every platform: `npm ci` refuses one that does not.
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

test("every dependency that a locked package names is locked, optional ones too", () => {
  const text = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
  const packages = JSON.parse(text).packages as Readonly<Record<string, LockedPackage>>;
  const missing: string[] = [];
  for (const [path, { dependencies, optionalDependencies }] of Object.entries(packages)) {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const isLocked = Object.keys(packages).some((key) => key.endsWith(`node_modules/${name}`));
      if (!isLocked) missing.push(`${path} needs ${name}`);
    }
  }
  assert.deepEqual(missing, []);
});

test("the lock file holds no address: any registry can serve it", () => {
  const text = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
  assert.doesNotMatch(text, /"resolved":/);
});
