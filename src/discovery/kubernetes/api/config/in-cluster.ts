/**
 * Access from inside a pod: the variables and the mount that Kubernetes gives to every container.
 *
 * "Accessing the Kubernetes API from a Pod": KUBERNETES_SERVICE_HOST and _PORT name the server, the
 * service account's directory holds a token that is renewed in place, the CA and the namespace.
 */
import { existsSync, readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { ClusterEntry, UserEntry } from "./entries.ts";

/** Where Kubernetes mounts a pod's service account. */
export const SERVICE_ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** What a pod's surroundings say. */
export interface InClusterAccess {
  readonly cluster: ClusterEntry;
  readonly user: UserEntry;
  readonly namespace: string;
}

/** Null when this is no pod, or one without a service account's token. */
export function readInCluster(
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): InClusterAccess | null {
  const host = env.KUBERNETES_SERVICE_HOST ?? "";
  const port = env.KUBERNETES_SERVICE_PORT ?? "";
  const tokenFile = join(directory, "token");
  if (host === "" || port === "" || !existsSync(tokenFile)) return null;
  const caFile = join(directory, "ca.crt");
  return {
    cluster: {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      ca: existsSync(caFile) ? { name: caFile, path: caFile, data: null } : null,
      isInsecure: false,
      tlsServerName: null,
      proxyUrl: null,
    },
    user: {
      token: null,
      tokenFile,
      certificate: null,
      key: null,
      plugin: null,
      impersonate: {},
    },
    namespace: readNamespace(join(directory, "namespace")),
  };
}

function readNamespace(path: string): string {
  try {
    return readFileSync(path, "utf8").trim() || "default";
  } catch {
    return "default";
  }
}
