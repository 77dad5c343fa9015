/**
 * What gRPC's service config has no words for, in one object beside its own: `"fairlead"`.
 *
 * Strict, unlike the rest: nobody else writes into it, so a name that is unknown is a typo.
 */

import {
  DEFAULT_LOCALITY,
  type LocalityConfig,
  parseLocality,
  parseSlowStart,
  type SlowStartConfig,
} from "../balancing/index.ts";
import { fieldsAt, ServiceConfigError } from "../grpc/index.ts";

/** All that can be said there. Immutable. */
export interface Extensions {
  /** Null: endpoints that are new get their whole share at once. */
  readonly slowStart: SlowStartConfig | null;
  readonly locality: LocalityConfig;
}

/** Names that `"fairlead"` may have. */
const NAMES: readonly string[] = ["slowStart", "locality"] satisfies (keyof Extensions)[];

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
  const { slowStart, locality } = fields;
  return {
    slowStart: slowStart === undefined ? null : parseSlowStart(slowStart, "fairlead.slowStart"),
    locality:
      locality === undefined ? DEFAULT_LOCALITY : parseLocality(locality, "fairlead.locality"),
  };
}
