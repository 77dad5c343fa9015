/**
 * The way to an API server: which one, as whom, in which namespace; found as kubectl finds it.
 *
 * `--kubeconfig`, KUBECONFIG, ~/.kube/config, and inside a pod what Kubernetes mounts there. It
 * opens no connection: whether the server takes the credentials is seen when it is asked.
 */
import { ApiAccessError } from "../error.ts";
import { type ClusterEntry, readCluster, readUser, type UserEntry } from "./entries.ts";
import type { Fields } from "./fields.ts";
import { readInCluster, SERVICE_ACCOUNT_DIRECTORY } from "./in-cluster.ts";
import { type Kubeconfig, pathsOf, readKubeconfig } from "./kubeconfig.ts";

/** The options that many verbs share. */
export interface ApiAccessOptions {
  /** `--kubeconfig`: this file and no other. */
  readonly kubeconfig?: string | undefined;
  /** `--context`: instead of the file's current one. */
  readonly context?: string | undefined;
  /** `--namespace`: instead of the context's or the pod's. */
  readonly namespace?: string | undefined;
}

/** What `loadApiAccess` looks at besides its options. */
export interface ApiAccessPlaces {
  /** KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Instead of Kubernetes' mount; for tests. */
  readonly serviceAccountDirectory?: string | undefined;
  /** Before the name of an option in sentences: "--", the default, or what an API has there. */
  readonly optionPrefix?: string | undefined;
}

/** Everything that is needed to talk to an API server. Its secrets show in no log and no JSON. */
export interface ApiAccess {
  /** For people: "https://10.0.0.1:6443 as context prod". */
  readonly description: string;
  /** The namespace of a target that names none. */
  readonly namespace: string;
  readonly cluster: ClusterEntry;
  readonly user: UserEntry;
}

/** A DNS label: what a namespace may be called. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Finds out how to reach the API server.
 * @throws ApiAccessError as one sentence, when there is no way or what describes it is wrong.
 */
export async function loadApiAccess(
  options: ApiAccessOptions,
  places: ApiAccessPlaces,
): Promise<ApiAccess> {
  const { env, optionPrefix = "--" } = places;
  if (options.namespace !== undefined && !NAMESPACE.test(options.namespace)) {
    throw new ApiAccessError(
      `${optionPrefix}namespace ${options.namespace}: at most 63 lower-case letters, digits and hyphens`,
    );
  }
  const kubeconfigPlaces = {
    flag: options.kubeconfig ?? null,
    flagName: `${optionPrefix}kubeconfig`,
    variable: env.KUBECONFIG,
    home: env.HOME,
  };
  const config = await readKubeconfig(kubeconfigPlaces);
  if (config !== null && !isEmpty(config)) return fromKubeconfig(config, options, optionPrefix);
  const pod = readInCluster(env, places.serviceAccountDirectory ?? SERVICE_ACCOUNT_DIRECTORY);
  if (pod === null) throw noAccess(pathsOf(kubeconfigPlaces), optionPrefix);
  if (options.context !== undefined) {
    throw new ApiAccessError(
      `${optionPrefix}context ${options.context}: there is no kubeconfig that names it`,
    );
  }
  return {
    description: `${pod.cluster.server} as the pod's service account`,
    namespace: options.namespace ?? pod.namespace,
    cluster: pod.cluster,
    user: pod.user,
  };
}

function isEmpty({ contexts, clusters, users }: Kubeconfig): boolean {
  return contexts.size + clusters.size + users.size === 0;
}

function fromKubeconfig(
  config: Kubeconfig,
  options: ApiAccessOptions,
  optionPrefix: string,
): ApiAccess {
  const names = [...config.contexts.keys()].join(", ") || "none";
  const name = options.context ?? config.currentContext;
  if (name === null) {
    throw new ApiAccessError(
      `kubeconfig ${config.files.join(", ")}: current-context must be set, or ` +
        `${optionPrefix}context given; there are: ${names}`,
    );
  }
  const entry = config.contexts.get(name);
  if (entry === undefined) {
    const asked = options.context === undefined ? "current-context" : `${optionPrefix}context`;
    throw new ApiAccessError(
      `kubeconfig ${config.files.join(", ")}: ${asked} ${name}: no such context; there are: ${names}`,
    );
  }
  const context = entry.child("context");
  if (context === null) throw entry.error("context", "must be set");
  const cluster = readCluster(entryOf(config.clusters, context, "cluster"));
  const userName = context.text("user");
  const user =
    userName === null ? NOBODY : readUser(entryOf(config.users, context, "user"), userName);
  return {
    description: `${cluster.server} as context ${name}`,
    namespace: options.namespace ?? context.text("namespace") ?? "default",
    cluster,
    user,
  };
}

const NOBODY: UserEntry = {
  token: null,
  tokenFile: null,
  certificate: null,
  key: null,
  plugin: null,
  impersonate: {},
};

function entryOf(entries: ReadonlyMap<string, Fields>, context: Fields, field: string): Fields {
  const name = context.required(field);
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  const names = [...entries.keys()].join(", ") || "none";
  throw context.error(field, `${name}: no such ${field}; there are: ${names}`);
}

function noAccess(paths: readonly string[], optionPrefix: string): ApiAccessError {
  const looked = paths.length === 0 ? "HOME and KUBECONFIG are not set" : `no ${paths.join(", ")}`;
  return new ApiAccessError(
    `no Kubernetes API server is known: ${looked}, and this is no pod with a service account; ` +
      `give ${optionPrefix}kubeconfig, or ${optionPrefix}objects for objects from files`,
  );
}
