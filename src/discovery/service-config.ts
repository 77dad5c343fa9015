/**
 * Service configs as sources give them: text of JSON, which is parsed here and judged by whoever
 * applies it (https://github.com/grpc/grpc/blob/master/doc/service_config.md).
 */
import { isDeeperThan, isJsonObject } from "../base/index.ts";
import type { ServiceConfigResult } from "./endpoint.ts";

/** A longer text is refused. All TXT records of one DNS answer are no longer either. */
export const SERVICE_CONFIG_CHARS_MAX = 65_536;
/** One that is nested deeper is refused: 16 policies in each other have some 80 levels. */
export const SERVICE_CONFIG_DEPTH_MAX = 100;

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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { error: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (!isDeeperThan(value, SERVICE_CONFIG_DEPTH_MAX)) return { value, error: null };
  return { error: `is nested deeper than ${SERVICE_CONFIG_DEPTH_MAX} levels` };
}

/** Whether both say the same. */
export function isSameServiceConfig(
  a: ServiceConfigResult | null | undefined,
  b: ServiceConfigResult | null | undefined,
): boolean {
  return a === b || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}
