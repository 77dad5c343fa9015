/**
 * Leaves of the declarations that tsc made only what a public subpath leads to.
 *
 * A room's door exports much that no user sees: of a door, only the names count that someone who is
 * reached takes through it. Not a bundler of declarations: files stay, doors get shorter.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const FROM = /^(?:import|export) (?:type )?(\{[^}]*\}|\* as \w+|\*) from "(\.[^"]+)\.ts";$/gm;
const INLINE = /\bimport\("(\.[^"]+)\.ts"\)\.(\w+)/g;
const DOOR = /\/index\.d\.ts$/;

/** Prunes the directory `types`; `entries` are the declarations of the public subpaths. */
export function pruneTypes(types: string, entries: readonly string[]): void {
  const reached = new Map<string, Set<string>>();
  for (const entry of entries) reach(entry, [], reached);
  for (const entry of readdirSync(types, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const names = reached.get(path);
    if (!entry.isFile()) continue;
    if (names === undefined) rmSync(path);
    else if (DOOR.test(path)) writeFileSync(path, shortened(readFileSync(path, "utf8"), names));
  }
}

/** Notes that these names of a file are needed, and what they need. */
function reach(path: string, names: readonly string[], reached: Map<string, Set<string>>): void {
  const before = reached.get(path);
  const fresh = names.filter((name) => before?.has(name) !== true);
  if (before !== undefined && fresh.length === 0) return;
  const isDoor = DOOR.test(path);
  reached.set(path, new Set([...(before ?? []), ...names]));
  if (!isDoor && before !== undefined) return;
  const text = readFileSync(path, "utf8");
  for (const [, clause = "", from] of text.matchAll(FROM)) {
    const wanted = specifiers(clause).filter(([, as]) => !isDoor || fresh.includes(as));
    if (wanted.length === 0) continue;
    const next = join(dirname(path), `${from}.d.ts`);
    reach(
      next,
      wanted.map(([name]) => name),
      reached,
    );
  }
  for (const [, from = "", name = ""] of text.matchAll(INLINE)) {
    reach(join(dirname(path), `${from}.d.ts`), [name], reached);
  }
}

/** "{ type A, b as c }" -> [["A", "A"], ["b", "c"]]; of "* as d" the name is "*". */
function specifiers(clause: string): (readonly [name: string, as: string])[] {
  if (clause.startsWith("*")) return [["*", clause.slice("* as ".length)]];
  return clause
    .slice(1, -1)
    .split(",")
    .map((each) => each.trim().replace(/^type /, ""))
    .filter((each) => each !== "")
    .map((each) => {
      const [name = "", as = name] = each.split(" as ");
      return [name, as] as const;
    });
}

/** A door with these names only. */
function shortened(text: string, names: ReadonlySet<string>): string {
  return text.replaceAll(FROM, (statement, clause: string) => {
    const isKept = specifiers(clause).map(([, as]) => names.has(as));
    if (clause.startsWith("*")) return isKept[0] ? statement : "";
    const kept = clause
      .slice(1, -1)
      .split(",")
      .filter((_, n) => isKept[n])
      .map((each) => each.trim());
    return kept.length === 0 ? "" : statement.replace(clause, `{ ${kept.join(", ")} }`);
  });
}
