/** Header changes of RDS, in lower case: what is set, added and taken away. */
import type { HeaderChange } from "../../routes/index.ts";
import {
  FieldProblem,
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
} from "../../xds/index.ts";

/** Null when nothing changes. @throws FieldProblem */
export function headerChangeOf(
  adds: readonly HeaderValueOption[],
  removes: readonly string[],
  path: string,
): HeaderChange | null {
  if (adds.length === 0 && removes.length === 0) return null;
  const set: [string, string][] = [];
  const add: [string, string][] = [];
  for (const [i, option] of adds.entries()) {
    const at = `${path}[${i}]`;
    const { header } = option;
    if (header === undefined || header.key === "")
      throw new FieldProblem(`${at}.header`, "is missing");
    const pair: [string, string] = [checkedName(header.key, at), checkedValue(header.value, at)];
    if (isReplacing(option, at)) set.push(pair);
    else add.push(pair);
  }
  return { set, add, remove: removes.map((name) => checkedName(name, path)) };
}

function isReplacing({ append, appendAction }: HeaderValueOption, path: string): boolean {
  // "append: deprecated, takes precedence where it is set": it was the only way before.
  if (append !== undefined) return !append;
  switch (appendAction) {
    case HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD:
      return false;
    case HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD:
      return true;
    default:
      throw new FieldProblem(`${path}.append_action`, "must be append or overwrite, or add");
  }
}

/** Envoy refuses these as well: they are what routes are found by. */
function checkedName(name: string, path: string): string {
  const lower = name.toLowerCase();
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(lower) || lower === "host") {
    throw new FieldProblem(`${path}.header.key`, `is ${JSON.stringify(name)}, no header to change`);
  }
  return lower;
}

/** "%REQ(x)%" and its like stand for values that only Envoy knows. */
function checkedValue(value: string, path: string): string {
  if (/%[A-Z_]+(\(|%)/.test(value)) {
    throw new FieldProblem(`${path}.header.value`, "has a command operator: not supported");
  }
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new FieldProblem(`${path}.header.value`, "has a character that no header may have");
  }
  return value.replaceAll("%%", "%");
}
