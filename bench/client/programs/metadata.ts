/**
 * Request metadata of the calls: none, or what services in production send (as load-client does).
 *
 * What differs per call is made beforehand, many times over: its making is not what is measured,
 * and no compression table holds so much of it.
 */
import { randomBytes } from "node:crypto";
import type { Plan } from "./plan.ts";

/** Names and values in the order in which they are sent. */
export type Fields = readonly (readonly [name: string, value: string])[];

const PREPARED = 4_096;

const CONSTANTS: Fields = [
  [
    "authorization",
    "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjNhN2YifQ.eyJzdWIiOiJzZXJ2aWNlLWFjY291bnQ6Y2hlY2tvdXQi" +
      "LCJhdWQiOiJvcmRlcnMiLCJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiZXhwIjoyMDAwMDAwMDAwfQ." +
      "c2lnbmF0dXJlLW9mLWEtdG9rZW4tdGhhdC1ub2JvZHktY2hlY2tz",
  ],
  ["baggage", "userTier=gold,region=eu-west-1,experiment=checkout-v3"],
  ["x-tenant", "acme-production"],
  ["x-client-version", "checkout/4.12.0"],
];

/** Gives the metadata of one call after another; null when calls carry none. */
export function metadataOf(plan: Pick<Plan, "metadata" | "sleepMs">): () => Fields | null {
  const orders: Fields = plan.sleepMs > 0 ? [["x-sleep-ms", String(plan.sleepMs)]] : [];
  if (plan.metadata === "none") {
    const fields = orders.length > 0 ? orders : null;
    return () => fields;
  }
  const prepared = Array.from({ length: PREPARED }, () => [...oneOfAKind(), ...orders]);
  let next = 0;
  return () => prepared[next++ % PREPARED] as Fields;
}

function oneOfAKind(): Fields {
  const hex = (bytes: number) => randomBytes(bytes).toString("hex");
  return [
    ["traceparent", `00-${hex(16)}-${hex(8)}-01`],
    ["x-request-id", `${hex(4)}-${hex(2)}-4${hex(2).slice(1)}-a${hex(2).slice(1)}-${hex(6)}`],
    ...CONSTANTS,
  ];
}
