/** What to do about each thing that `check.ts` can find wrong: lines for people, and YAML. */
import type { Kind } from "../../objects.ts";
import type { ApiAccess } from "../config/access.ts";

/** The verbs that discovery uses; it never writes. */
const VERBS = '["get", "list", "watch"]';

/** One rule of a Role, as YAML lines. */
function ruleOf({ group, plural }: Kind): readonly string[] {
  return [`- apiGroups: ["${group}"]`, `  resources: ["${plural}"]`, `  verbs: ${VERBS}`];
}

/** A rule that is missing, and to whom it has to be bound. */
export function accessRemedy(
  kind: Kind,
  namespace: string,
  username: string | null,
): readonly string[] {
  const role = namespace === "" ? "a ClusterRole" : `a Role in namespace ${namespace}`;
  const whom = username === null ? "" : ` that is bound to ${subjectText(username)}`;
  return [`add to the rules of ${role}${whom}:`, ...ruleOf(kind)];
}

/** "system:serviceaccount:prod:web" is how the server says what people call something else. */
function subjectText(username: string): string {
  const [system, type, namespace, name] = username.split(":");
  if (system !== "system" || type !== "serviceaccount" || name === undefined) return username;
  return `ServiceAccount ${name} of namespace ${namespace}`;
}

/** Nobody answers. */
export function serverRemedy({ cluster }: ApiAccess): readonly string[] {
  const proxy = cluster.proxyUrl === null ? "" : ", and the proxy-url";
  return [
    `see that ${cluster.server} is the API server's address${proxy}, and no NetworkPolicy or ` +
      "firewall is in between",
  ];
}

/** The server does not take them. */
export function credentialsRemedy(description: string): readonly string[] {
  return [`renew the credentials (${description}), or name others by --kubeconfig and --context`];
}

/** Clocks that are far apart. */
export function clockRemedy(): readonly string[] {
  return ["set both clocks by NTP: tokens and certificates are good or not by the clock"];
}
