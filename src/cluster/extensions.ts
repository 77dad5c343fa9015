/**
 * What gRPC's service config has no words for, in one object beside its own: `"fairlead"`.
 *
 * Strict, unlike the rest: nobody else writes into it, so a name that is unknown is a typo.
 */

import { fieldsAt, ServiceConfigError } from "../grpc/index.ts";
import { type ActiveCheckConfig, parseActiveCheck } from "./active-check-config.ts";

/** All that can be said there, each part null where nothing is. Immutable. */
export interface Extensions {
  readonly activeHealthCheck: ActiveCheckConfig | null;
}

/** Names that `"fairlead"` may have. */
const NAMES: readonly string[] = ["activeHealthCheck"];

/**
 * @param value the object after `JSON.parse`; undefined when it is absent.
 * @throws ServiceConfigError with the path of the field.
 */
export function parseExtensions(value: unknown): Extensions {
  const fields = value === undefined ? {} : fieldsAt(value, "fairlead");
  for (const name of Object.keys(fields)) {
    if (NAMES.includes(name)) continue;
    throw new ServiceConfigError(`fairlead.${name}`, `is unknown: known are ${NAMES.join(", ")}`);
  }
  return {
    activeHealthCheck: parseActiveCheck(fields.activeHealthCheck, "fairlead.activeHealthCheck"),
  };
}
