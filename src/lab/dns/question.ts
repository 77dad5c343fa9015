/**
 * Names of the cluster's domain, taken apart. DNS specification of Kubernetes §2.3 and §2.4.
 *
 * Pure. Not here: names of pods ("1-2-3-4.ns.pod.DOMAIN") and reverse names, which no client of the
 * lab asks for.
 */

/** What a name below the domain asks about. */
export type ClusterName =
  /** The name is no name of a Service, but others are below it: it exists and has nothing. */
  | { readonly kind: "above"; readonly namespace: string | null }
  | {
      readonly kind: "service";
      readonly namespace: string;
      readonly service: string;
      /** One endpoint's label, or null for all. */
      readonly endpoint: string | null;
      /** Null for any port. */
      readonly port: { readonly name: string; readonly protocol: string } | null;
    };

/**
 * @param full in lower case, without a last dot.
 * @returns null when no name of the domain has this form; "outside" when it is not of the domain.
 */
export function parseClusterName(full: string, domain: string): ClusterName | "outside" | null {
  if (full === domain) return { kind: "above", namespace: null };
  if (!full.endsWith(`.${domain}`)) return "outside";
  const labels = full.slice(0, -domain.length - 1).split(".");
  if (labels.pop() !== "svc") return null;
  const namespace = labels.pop() ?? null;
  const service = labels.pop();
  if (namespace === null || service === undefined) return { kind: "above", namespace };
  const found = { kind: "service", namespace, service } as const;
  if (labels.length === 0) return { ...found, endpoint: null, port: null };
  if (labels.length === 1) return { ...found, endpoint: labels[0], port: null };
  if (labels.length !== 2) return null;
  // As CoreDNS: the underscores may be left out.
  const [name, protocol] = labels.map((label) => label.replace(/^_/, ""));
  return { ...found, endpoint: null, port: { name, protocol } };
}
