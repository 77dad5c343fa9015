/**
 * Leaves of the declarations that tsc made only those that a public subpath leads to.
 *
 * A file is cut into its statements; of each only the names count that somebody who is reached
 * takes from it, with what these mention. Not a bundler of declarations: files stay, and get
 * shorter.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** All names of a file. */
const ALL = "*";

/** A statement of tsc's output begins in the first column; what continues it does not. */
const STATEMENT = /^(?=(?:export|import|declare|type|interface|\/\*\*|\/\/\/)(?: |$))/m;
const FROM = /^(import|export) (?:type )?(\{[^}]*\}|\* as \w+|\*) from "([^"]+)";/;
const DECLARES =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/;
const INLINE = /\bimport\("(\.[^"]+)\.ts"\)\.(\w+)/g;
const COMMENTS = /\/\*[\s\S]*?\*\//g;

/** One name that a file takes from another, or passes on from it. */
interface Link {
  readonly isExport: boolean;
  /** As the other file has it; ALL for a namespace. */
  readonly name: string;
  /** As this file has it. */
  readonly as: string;
  /** "./other.ts", or the name of a package. */
  readonly from: string;
}

interface Statement {
  readonly text: string;
  /** Declared here; null for links. */
  readonly name: string | null;
  readonly isExport: boolean;
  readonly links: readonly Link[];
}

/** Prunes the directory `types`; `entries` are the declarations of the public subpaths. */
export function pruneTypes(types: string, entries: readonly string[]): void {
  const reached = new Map<string, Set<string>>();
  const files = new Map<string, Statement[]>();
  for (const entry of entries) reach(entry, ALL, files, reached);
  for (const entry of readdirSync(types, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const names = reached.get(path);
    if (!entry.isFile()) continue;
    if (names === undefined) rmSync(path);
    else writeFileSync(path, shortened(files.get(path)!, names));
  }
}

/** Notes that a name of a file is needed, and what it needs. */
function reach(
  path: string,
  name: string,
  files: Map<string, Statement[]>,
  reached: Map<string, Set<string>>,
): void {
  const names = reached.get(path) ?? new Set();
  reached.set(path, names);
  if (names.has(name)) return;
  names.add(name);
  const statements = files.get(path) ?? parse(readFileSync(path, "utf8"));
  files.set(path, statements);
  const follow = (from: string, other: string): void => {
    if (!from.startsWith(".")) return;
    reach(join(dirname(path), from.replace(/\.ts$/, ".d.ts")), other, files, reached);
  };
  for (const { text, name: own, isExport, links } of statements) {
    for (const link of links) {
      if (link.as === name || (name === ALL && link.isExport)) {
        names.add(link.as);
        follow(link.from, link.name);
      }
    }
    if (own === null || !(own === name || (name === ALL && isExport))) continue;
    names.add(own);
    const code = text.replaceAll(COMMENTS, "");
    for (const [, from = "", other = ""] of code.matchAll(INLINE)) follow(`${from}.ts`, other);
    for (const [word] of code.matchAll(/\b[A-Za-z_$][\w$]*\b/g)) {
      if (word !== own && isLocal(statements, word)) reach(path, word, files, reached);
    }
  }
}

function isLocal(statements: readonly Statement[], word: string): boolean {
  return statements.some(
    ({ name, links }) => name === word || links.some((link) => !link.isExport && link.as === word),
  );
}

function parse(text: string): Statement[] {
  const parts = text.split(STATEMENT);
  const statements: Statement[] = [];
  let comment = "";
  for (const part of parts) {
    if (part.startsWith("/**")) {
      // The one before was the file's own.
      comment = part;
      continue;
    }
    const [, verb, clause = "", from = ""] = FROM.exec(part) ?? [];
    const name = DECLARES.exec(part)?.[1] ?? null;
    const isExport = part.startsWith("export ");
    const links =
      verb === undefined
        ? []
        : specifiers(clause).map(([its, as]) => ({ isExport, name: its, as, from }));
    statements.push({ text: comment + part, name, isExport, links });
    comment = "";
  }
  return statements;
}

/** "{ type A, b as c }" -> [["A", "A"], ["b", "c"]]; of "* as d" the name is ALL. */
function specifiers(clause: string): (readonly [name: string, as: string])[] {
  if (clause.startsWith("*")) return [[ALL, clause.slice("* as ".length) || ALL]];
  return listed(clause).map((each) => {
    const [name = "", as = name] = each.replace(/^type /, "").split(" as ");
    return [name, as] as const;
  });
}

function listed(clause: string): string[] {
  return clause
    .slice(1, -1)
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** A file with these names only. */
function shortened(statements: readonly Statement[], names: ReadonlySet<string>): string {
  const kept = statements.map(({ text, name, links }) => {
    if (name !== null) return names.has(name) ? text : "";
    if (links.length === 0) return text;
    if (links.every(({ as }) => names.has(as))) return text.replaceAll(COMMENTS, "").trimStart();
    const clause = /\{[^}]*\}/.exec(text)?.[0] ?? "";
    const parts = listed(clause).filter((_, n) => names.has(links[n]!.as));
    if (parts.length === 0) return "";
    const statement = text.replaceAll(COMMENTS, "").trimStart();
    return statement.replace(clause, `{ ${parts.join(", ")} }`);
  });
  const text = kept.join("");
  return text === "" ? "export {};\n" : text;
}
