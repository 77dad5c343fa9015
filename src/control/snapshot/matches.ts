/** What a route matches by, in the words of xDS (RouteMatch, HeaderMatcher). */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HeaderMatch, PathMatch, Regex, RouteMatch } from "../../routes/index.ts";
import {
  FractionalPercent_DenominatorType,
  type HeaderMatcherSchema,
  type RouteSchema,
} from "../../xds/index.ts";
import type { NodeKind } from "../resources.ts";

type Match = NonNullable<MessageInitShape<typeof RouteSchema>["match"]>;
type Matcher = MessageInitShape<typeof HeaderMatcherSchema>;

/** @param path the route's own, or a narrower one. */
export function matchOf(match: RouteMatch, path: PathMatch, kind: NodeKind): Match {
  return {
    ...pathOf(path),
    headers: match.headers.map((header) => headerOf(header, kind)),
    ...(match.perMillion !== null && {
      runtimeFraction: { defaultValue: share(match.perMillion) },
    }),
  };
}

/** A share of a million. */
export function share(perMillion: number) {
  return { numerator: perMillion, denominator: FractionalPercent_DenominatorType.MILLION };
}

function pathOf(path: PathMatch): Pick<Match, "pathSpecifier" | "caseSensitive"> {
  if (path.kind === "regex") {
    return { pathSpecifier: { case: "safeRegex", value: regexOf(path.regex) } };
  }
  const kind = path.kind === "prefix" ? "prefix" : "path";
  return {
    pathSpecifier: { case: kind, value: path.value },
    ...(path.ignoresCase && { caseSensitive: false }),
  };
}

/** What stands for itself (quotes, escapes, classes), or a group with a name. */
const REGEX_PARTS =
  /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]])*\]|\(\?P?<\w+>/g;

/** Groups without their names: RE2 has not always known "(?<name>", and C-core's does not. */
function regexOf({ source }: Regex): { readonly regex: string } {
  const regex = source.replace(REGEX_PARTS, (part) => (part.startsWith("(") ? "(" : part));
  return { regex };
}

function headerOf({ name, inverts, value }: HeaderMatch, kind: NodeKind): Matcher {
  const base = { name, invertMatch: inverts };
  switch (value.kind) {
    case "regex": {
      const regex = regexOf(value.regex);
      if (kind === "grpc") {
        return { ...base, headerMatchSpecifier: { case: "safeRegexMatch", value: regex } };
      }
      return { ...base, headerMatchSpecifier: stringMatch({ case: "safeRegex", value: regex }) };
    }
    case "range": {
      const range = { start: BigInt(value.from), end: BigInt(value.to) };
      return { ...base, headerMatchSpecifier: { case: "rangeMatch", value: range } };
    }
    case "present":
      return { ...base, headerMatchSpecifier: { case: "presentMatch", value: value.isPresent } };
    default: {
      const { text, ignoresCase } = value;
      // Envoy calls these deprecated; older gRPC clients know no others (A63).
      if (kind === "grpc" && !ignoresCase) {
        return { ...base, headerMatchSpecifier: { case: `${value.kind}Match`, value: text } };
      }
      return {
        ...base,
        headerMatchSpecifier: stringMatch({ case: value.kind, value: text }, ignoresCase),
      };
    }
  }
}

type StringPattern =
  | { readonly case: "exact" | "prefix" | "suffix" | "contains"; readonly value: string }
  | { readonly case: "safeRegex"; readonly value: { readonly regex: string } };

function stringMatch(matchPattern: StringPattern, ignoreCase = false) {
  return { case: "stringMatch", value: { matchPattern, ignoreCase } } as const;
}
