/**
 * Service config says time-outs and retries by method, xDS by route: a route whose clusters have
 * such a config becomes several, one for each method that is named, the narrowest first.
 *
 * Only where they lie within the route's own path. Of a path that is a regex, nobody can say which
 * methods it covers: what is said of all methods holds there.
 */
import type { MethodConfig, MethodConfigs } from "../../grpc/index.ts";
import type { PathMatch } from "../../routes/index.ts";

/** A path, and what is said of its methods; null: nothing. */
export interface MethodPath {
  readonly path: PathMatch;
  readonly config: MethodConfig | null;
}

/** Splits a route's path by what `methods` names. Never empty; the last one is the path itself. */
export function methodPathsOf(path: PathMatch, methods: MethodConfigs): readonly MethodPath[] {
  const whole = (name: string): MethodPath[] => [{ path, config: methods.find(name) }];
  if (methods.entries.length === 0) return [{ path, config: null }];
  if (path.kind === "regex") return whole("");
  if (path.kind === "exact") return whole(path.value);
  const names = methods.entries.flatMap(({ names }) => names);
  const within: MethodPath[] = [];
  for (const { service, method } of names) {
    if (method === "") continue;
    const value = `/${service}/${method}`;
    if (startsWith(value, path)) within.push({ path: exact(value), config: methods.find(value) });
  }
  for (const { service, method } of names) {
    const value = `/${service}/`;
    if (service === "" || method !== "" || !isNarrower(value, path)) continue;
    within.push({ path: { ...path, value }, config: methods.find(value) });
  }
  return [...within, ...whole(path.value)];
}

function exact(value: string): PathMatch {
  return { kind: "exact", value, ignoresCase: false };
}

function startsWith(text: string, { value, ignoresCase }: Exclude<PathMatch, { kind: "regex" }>) {
  return ignoresCase ? text.toLowerCase().startsWith(value.toLowerCase()) : text.startsWith(value);
}

function isNarrower(value: string, path: Exclude<PathMatch, { kind: "regex" }>): boolean {
  return value.length > path.value.length && startsWith(value, path);
}
