/**
 * Targets of the scheme `kubernetes`: a Service, its namespace and one of its ports. All forms that
 * kuberesolver takes, with its meanings:
 *
 *     kubernetes:///SERVICE[.NAMESPACE[.svc[.CLUSTER]]][:PORT]
 *     kubernetes://NAMESPACE/SERVICE[:PORT]
 *     kubernetes://SERVICE[.NAMESPACE[.svc[.CLUSTER]]][:PORT][/]
 *
 * The name of the cluster is not looked at. Two things that kuberesolver reads in silence are
 * refused: a third label other than `svc` (`echo-0.echo.prod` is a pod, not a Service), and two
 * namespaces that differ.
 */
import { LABEL } from "./fields.ts";

/** A port as a target names it. */
export type TargetPort =
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "name"; readonly name: string }
  /** The target names none: the first of the Service. */
  | { readonly kind: "first" };

/** A target whose endpoints are those of a Service. */
export interface KubernetesTarget {
  readonly kind: "kubernetes";
  /** As it was given. */
  readonly target: string;
  readonly service: string;
  /** Null for the namespace of the credentials, or of the files. */
  readonly namespace: string | null;
  readonly port: TargetPort;
}

const FORMS =
  "write kubernetes:///SERVICE.NAMESPACE:PORT, PORT a number, a name, or left out with its colon";
const FIRST: TargetPort = Object.freeze({ kind: "first" });
/** The name of a cluster, in which an underscore does no harm. */
const CLUSTER = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/**
 * Parses what follows "kubernetes:".
 *
 * @param target the whole text, for the result.
 * @returns a clause when it is malformed.
 */
export function parseKubernetes(target: string, rest: string): KubernetesTarget | string {
  const [, authority, path] = /^(?:\/\/([^/]*)\/?)?(.*)$/.exec(rest.toLowerCase())!;
  if (authority === undefined || authority === "") return parseService(target, path, null);
  if (path === "") return parseService(target, authority, null);
  if (authority.includes(":")) {
    return `a port belongs after the service, not in ${JSON.stringify(authority)}: ${FORMS}`;
  }
  if (!LABEL.test(authority)) return `${JSON.stringify(authority)} is not a namespace: ${FORMS}`;
  return parseService(target, path, authority);
}

function parseService(
  target: string,
  text: string,
  namespace: string | null,
): KubernetesTarget | string {
  if (text.includes("/")) return `${JSON.stringify(text)} has a slash too many: ${FORMS}`;
  if (text.includes(",")) return "kubernetes takes one service";
  const colon = text.lastIndexOf(":");
  const port = colon < 0 ? FIRST : parsePort(text.slice(colon + 1));
  if (typeof port === "string") return port;
  const host = (colon < 0 ? text : text.slice(0, colon)).replace(/\.$/, "");
  if (host === "") return `the service is missing: ${FORMS}`;
  const [service, named, svc, ...cluster] = host.split(".");
  if (!LABEL.test(service)) return `${JSON.stringify(service)} is not the name of a service`;
  if (named !== undefined && !LABEL.test(named)) {
    return `${JSON.stringify(named)} is not a namespace: ${FORMS}`;
  }
  if (svc !== undefined && svc !== "svc") {
    return `after SERVICE.NAMESPACE may come .svc and the cluster, not ${JSON.stringify(svc)}`;
  }
  if (cluster.length > 0 && !CLUSTER.test(cluster.join("."))) {
    return `${JSON.stringify(cluster.join("."))} is not the name of a cluster`;
  }
  if (namespace !== null && named !== undefined && named !== namespace) {
    return `it names two namespaces, ${JSON.stringify(namespace)} and ${JSON.stringify(named)}`;
  }
  return { kind: "kubernetes", target, service, namespace: namespace ?? named ?? null, port };
}

function parsePort(text: string): TargetPort | string {
  if (text === "") return 'the port is missing after ":"';
  if (/^[+-]?\d+$/.test(text)) {
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= 65_535) return { kind: "number", number };
    return `port ${JSON.stringify(text)} must be a number from 1 to 65535, or a name`;
  }
  if (LABEL.test(text)) return { kind: "name", name: text };
  return `port ${JSON.stringify(text)} is neither a number nor the name of a port`;
}
