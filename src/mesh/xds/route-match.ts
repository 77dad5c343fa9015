/**
 * What a route of RDS matches by. gRFC A28 and Envoy's RouteMatch.
 */
import type { HeaderMatch, PathMatch, Regex, RouteMatch } from "../../routes/index.ts";
import { parseRegex } from "../../routes/index.ts";
import {
  FieldProblem,
  type HeaderMatcher,
  type Notes,
  perMillion,
  type StringMatcher,
  type RouteMatch as XdsRouteMatch,
} from "../../xds/index.ts";

/**
 * Null for a match that no gRPC call can meet, such as one by query parameters: its route is passed
 * over (A28), with a note.
 *
 * @throws FieldProblem
 */
export function routeMatchOf(match: XdsRouteMatch, path: string, notes: Notes): RouteMatch | null {
  if (match.queryParameters.length > 0) {
    notes.add(path, "query_parameters", "match no call: the route is passed over");
    return null;
  }
  if (match.pathSpecifier.case === "connectMatcher") {
    notes.add(path, "connect_matcher", "matches no call: the route is passed over");
    return null;
  }
  const unmet = [
    ["tls_context", match.tlsContext !== undefined],
    ["dynamic_metadata", match.dynamicMetadata.length > 0],
  ] as const;
  for (const [name, isSet] of unmet) {
    if (isSet) throw new FieldProblem(`${path}.${name}`, "is not supported");
  }
  notes.addSet(path, [
    ["grpc", match.grpc !== undefined],
    [
      "headers.treat_missing_header_as_empty",
      match.headers.some((each) => each.treatMissingHeaderAsEmpty),
    ],
  ]);
  return {
    path: pathOf(match, path),
    headers: match.headers.map((each, i) => headerMatchOf(each, `${path}.headers[${i}]`)),
    perMillion: perMillion(
      match.runtimeFraction?.defaultValue,
      `${path}.runtime_fraction.default_value`,
    ),
  };
}

function pathOf({ pathSpecifier, caseSensitive }: XdsRouteMatch, path: string): PathMatch {
  const ignoresCase = caseSensitive === false;
  switch (pathSpecifier.case) {
    case "prefix":
      return { kind: "prefix", value: pathSpecifier.value, ignoresCase };
    case "path":
      return { kind: "exact", value: pathSpecifier.value, ignoresCase };
    case "safeRegex":
      return { kind: "regex", regex: regexOf(pathSpecifier.value.regex, `${path}.safe_regex`) };
    case "pathSeparatedPrefix": {
      const whole = escaped(pathSpecifier.value);
      return { kind: "regex", regex: regexOf(`${whole}(/.*)?`, `${path}.path_separated_prefix`) };
    }
    default:
      throw new FieldProblem(path, "has no path that is known: prefix, path or safe_regex");
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** @throws FieldProblem for what is no RE2 expression. */
function regexOf(source: string, path: string): Regex {
  try {
    return parseRegex(source);
  } catch (error) {
    throw new FieldProblem(`${path}.regex`, `is ${(error as Error).message}`);
  }
}

/** @throws FieldProblem */
function headerMatchOf(matcher: HeaderMatcher, path: string): HeaderMatch {
  const { headerMatchSpecifier: specifier, invertMatch: inverts } = matcher;
  const name = matcher.name.toLowerCase();
  const text = (kind: "exact" | "prefix" | "suffix" | "contains", value: string): HeaderMatch => ({
    ...{ name, inverts },
    value: { kind, text: value, ignoresCase: false },
  });
  switch (specifier.case) {
    case "exactMatch":
      return text("exact", specifier.value);
    case "prefixMatch":
      return text("prefix", specifier.value);
    case "suffixMatch":
      return text("suffix", specifier.value);
    case "containsMatch":
      return text("contains", specifier.value);
    case "safeRegexMatch": {
      const regex = regexOf(specifier.value.regex, `${path}.safe_regex_match`);
      return { name, inverts, value: { kind: "regex", regex } };
    }
    case "rangeMatch": {
      const { start, end } = specifier.value;
      return { name, inverts, value: { kind: "range", from: Number(start), to: Number(end) } };
    }
    case "presentMatch":
      return { name, inverts, value: { kind: "present", isPresent: specifier.value } };
    case "stringMatch":
      return { name, inverts, value: stringValueOf(specifier.value, `${path}.string_match`) };
    default:
      // "If header_match_specifier is not specified, the header must be present" (Envoy).
      return { name, inverts, value: { kind: "present", isPresent: true } };
  }
}

function stringValueOf(
  { matchPattern: pattern, ignoreCase: ignoresCase }: StringMatcher,
  path: string,
): HeaderMatch["value"] {
  switch (pattern.case) {
    case "exact":
    case "prefix":
    case "suffix":
    case "contains":
      return { kind: pattern.case, text: pattern.value, ignoresCase };
    case "safeRegex":
      return { kind: "regex", regex: regexOf(pattern.value.regex, `${path}.safe_regex`) };
    default:
      throw new FieldProblem(path, `${pattern.case ?? "pattern"} is not supported`);
  }
}
