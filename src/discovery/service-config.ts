/**
 * Service configs as sources give them: text of JSON, which is parsed here and judged by whoever
 * applies it (https://github.com/grpc/grpc/blob/master/doc/service_config.md).
 */
import { isJsonObject } from "../base/index.ts";
import type { ServiceConfigResult } from "./endpoint.ts";

/** A longer text is refused. All TXT records of one DNS answer are no longer either. */
export const SERVICE_CONFIG_CHARS_MAX = 65_536;

/**
 * A service config, or why there is none. Never throws.
 *
 * @param about who says so, for the error.
 */
export function parseServiceConfig(text: string, about: string): ServiceConfigResult {
  const json = parseJsonText(text);
  if (typeof json.error === "string") return Object.freeze({ error: `${about} ${json.error}` });
  if (isJsonObject(json.value)) return Object.freeze({ json: json.value });
  return Object.freeze({ error: `${about} must be a JSON object` });
}

/** The value of a bounded text; or a clause that says what is wrong. */
export function parseJsonText(
  text: string,
): { readonly value: unknown; readonly error: null } | { readonly error: string } {
  if (text.length > SERVICE_CONFIG_CHARS_MAX) {
    const chars = `${text.length} characters, more than ${SERVICE_CONFIG_CHARS_MAX}`;
    return { error: `has ${chars}` };
  }
  try {
    return { value: JSON.parse(text) as unknown, error: null };
  } catch (error) {
    return { error: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Whether both say the same. */
export function isSameServiceConfig(
  a: ServiceConfigResult | null | undefined,
  b: ServiceConfigResult | null | undefined,
): boolean {
  return a === b || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}
