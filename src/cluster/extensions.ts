/**
 * What gRPC's service config has no words for, in one object beside its own: `"fairlead"`.
 *
 * Strict, unlike the rest: nobody else writes into it, so a name that is unknown is a typo.
 */

import {
  type LocalityConfig,
  parseLocality,
  parseSlowStart,
  type SlowStartConfig,
} from "../balancing/index.ts";
import { checkNames, type Fields, fieldsAt, ServiceConfigError } from "../grpc/index.ts";
import { type ActiveCheckConfig, parseActiveCheck } from "./active-check-config.ts";
import { type CircuitBreakersConfig, parseCircuitBreakers } from "./circuit-breakers.ts";
import { parseRetryBudget, type RetryBudgetConfig } from "./retry-budget.ts";

/** All that can be said there. Immutable. */
export interface Extensions {
  /** Null: endpoints that are new get their whole share at once. */
  readonly slowStart: SlowStartConfig | null;
  readonly locality: LocalityConfig;
  readonly activeHealthCheck: ActiveCheckConfig | null;
  readonly circuitBreakers: CircuitBreakersConfig | null;
  /** The default unless it is said that there is none. */
  readonly retryBudget: RetryBudgetConfig | null;
}

/** Names that `"fairlead"` may have. */
const NAMES: readonly string[] = [
  "activeHealthCheck",
  "circuitBreakers",
  "retryBudget",
  "slowStart",
  "locality",
] satisfies (keyof Extensions)[];

/** Refuses our words where nobody looks for them: whoever wrote them believes that they hold. */
export function checkNotAtTop(fields: Fields): void {
  for (const name of [...NAMES, "retryPolicy", "hedgingPolicy", "timeout"]) {
    if (!(name in fields)) continue;
    const place = NAMES.includes(name) ? `fairlead.${name}` : `methodConfig[].${name}`;
    throw new ServiceConfigError(name, `stands in the wrong place: it belongs in ${place}`);
  }
}

/**
 * @param value the object after `JSON.parse`; undefined or null when it is absent.
 * @throws ServiceConfigError with the path of the field.
 */
export function parseExtensions(value: unknown): Extensions {
  const fields = (value ?? null) === null ? {} : fieldsAt(value, "fairlead");
  checkNames(fields, NAMES, "fairlead");
  return {
    slowStart: parseSlowStart(fields.slowStart, "fairlead.slowStart"),
    locality: parseLocality(fields.locality, "fairlead.locality"),
    activeHealthCheck: parseActiveCheck(fields.activeHealthCheck, "fairlead.activeHealthCheck"),
    circuitBreakers: parseCircuitBreakers(fields.circuitBreakers, "fairlead.circuitBreakers"),
    retryBudget: parseRetryBudget(fields.retryBudget, "fairlead.retryBudget"),
  };
}
