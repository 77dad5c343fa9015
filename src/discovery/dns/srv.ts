/**
 * SRV records as endpoints: which of them count, and what their targets' names already say.
 * RFC 2782, and the DNS specification of Kubernetes §2.4.2.
 *
 * Pure: `targets.ts` and `service-lookup.ts` ask the questions.
 */
import { isIP } from "node:net";
import { canonicalIPv6 } from "../ipv6.ts";
import type { Addresses } from "./addresses.ts";
import type { SrvRecord } from "./client.ts";

/**
 * The records without repetitions, without the target ".", which says "not offered", and without
 * those of port 0, which nobody can listen on.
 */
export function offeredRecords(records: readonly SrvRecord[]): readonly SrvRecord[] {
  const byKey = new Map<string, SrvRecord>();
  for (const record of records) {
    if (record.target === "" || record.port === 0) continue;
    byKey.set(`${record.priority} ${record.port} ${record.target}`, record);
  }
  return [...byKey.values()];
}

/** What has a record, by its priority, the best (lowest) first. */
export function byPriority<T extends { readonly record: SrvRecord }>(
  all: readonly T[],
): readonly (readonly T[])[] {
  const groups = new Map<number, T[]>();
  for (const each of all) {
    const group = groups.get(each.record.priority);
    if (group === undefined) groups.set(each.record.priority, [each]);
    else group.push(each);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/**
 * The shares of the records of one priority. CoreDNS divides 100 among the pods, so that every
 * pod's weight changes when one comes: weights that are all alike are 1. A weight of 0 ("a very
 * small chance", says the RFC) counts as 1 beside others.
 */
export function sharesOf(group: readonly { readonly record: SrvRecord }[]): readonly number[] {
  const weights = group.map(({ record }) => record.weight);
  const isEven = weights.every((weight) => weight === weights[0]);
  return weights.map((weight) => (isEven ? 1 : Math.max(weight, 1)));
}

/** The address that the first label of a name spells: "10-0-0-1" or "fd00--1"; null for others. */
export function addressOfLabel(name: string): string | null {
  const label = name.split(".", 1)[0];
  if (!/^[0-9a-f-]+$/.test(label)) return null;
  const v4 = label.replaceAll("-", ".");
  if (isIP(v4) === 4) return v4;
  const v6 = label.replaceAll("-", ":");
  return isIP(v6) === 6 ? canonicalIPv6(v6) : null;
}

/**
 * The address that CoreDNS has put into a target's name: "10-0-0-1.echo.prod.svc.cluster.local" is
 * a pod of "echo.prod.svc.cluster.local". It counts only when the Service's own records have it
 * too, so that a name of that look elsewhere means nothing. It spares two queries for every pod.
 *
 * @param base the full name of the Service.
 * @param known the addresses of `base`.
 * @returns null when the target has to be looked up.
 */
export function addressInName(target: string, base: string, known: Addresses): string | null {
  if (!isChildOf(target, base)) return null;
  const ip = addressOfLabel(target);
  if (ip === null) return null;
  if (isIP(ip) === 4) return known.a.includes(ip) ? ip : null;
  return known.aaaa.find((each) => canonicalIPv6(each) === ip) ?? null;
}

/** Whether a name is one label below another. */
export function isChildOf(name: string, base: string): boolean {
  return name.slice(name.indexOf(".") + 1) === base && name.length > base.length;
}
