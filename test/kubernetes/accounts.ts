/**
 * Accounts of a cluster: who may do what he was granted, and no more; and the kubeconfig files that
 * name them. They are ServiceAccounts, Roles and TokenRequests, in a real cluster and in the lab's.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Api } from "./api.ts";

/** A rule of a Role (rbac.authorization.k8s.io/v1 PolicyRule). */
export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Somebody without any rights but those that he is granted. */
export interface Account {
  /** A kubeconfig that names the API server and `tokenFile`. */
  readonly kubeconfig: string;
  /** Holds the token, as a projected one does; may be replaced. */
  readonly tokenFile: string;
  /** Grants this in the account's namespace. Once only. */
  grant(rules: readonly RoleRule[]): Promise<void>;
  /** No token so far is accepted any more. */
  revoke(): Promise<void>;
  /** Writes a new token into `tokenFile`, with the rights as before. */
  renew(): Promise<void>;
}

/** What a kubeconfig says. */
export interface KubeconfigSpec {
  /** "https://127.0.0.1:6443" */
  readonly server: string;
  /** Null for plain HTTP. */
  readonly caFile: string | null;
  readonly namespace: string;
}

/** Writes a kubeconfig (JSON is YAML) and the token that it names into `directory`. */
export function writeKubeconfig(
  directory: string,
  name: string,
  token: string,
  { server, caFile, namespace }: KubeconfigSpec,
): { readonly kubeconfig: string; readonly tokenFile: string } {
  const tokenFile = join(directory, `${namespace}-${name}.token`);
  const kubeconfig = join(directory, `${namespace}-${name}.yaml`);
  const ca = caFile === null ? {} : { "certificate-authority": caFile };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace } }],
    clusters: [{ name: "test", cluster: { server, ...ca } }],
    users: [{ name: "test", user: { tokenFile } }],
  };
  writeFileSync(tokenFile, token, { mode: 0o600 });
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  return { kubeconfig, tokenFile };
}

const RBAC = "rbac.authorization.k8s.io";

/** An account that is a ServiceAccount. */
export class ServiceAccount implements Account {
  readonly kubeconfig: string;
  readonly tokenFile: string;
  readonly #api: Api;
  readonly #namespace: string;
  readonly #name: string;

  private constructor(
    api: Api,
    namespace: string,
    name: string,
    files: { readonly kubeconfig: string; readonly tokenFile: string },
  ) {
    this.#api = api;
    this.#namespace = namespace;
    this.#name = name;
    this.kubeconfig = files.kubeconfig;
    this.tokenFile = files.tokenFile;
  }

  /** Makes one, with its files in `directory`. */
  static async create(
    api: Api,
    name: string,
    directory: string,
    config: KubeconfigSpec,
  ): Promise<ServiceAccount> {
    const files = writeKubeconfig(directory, name, "", config);
    const account = new ServiceAccount(api, config.namespace, name, files);
    await account.renew();
    return account;
  }

  async grant(rules: readonly RoleRule[]): Promise<void> {
    const path = `/apis/${RBAC}/v1/namespaces/${this.#namespace}`;
    const apiVersion = `${RBAC}/v1`;
    const metadata = { name: this.#name };
    await this.#api.post(`${path}/roles`, { apiVersion, kind: "Role", metadata, rules });
    await this.#api.post(`${path}/rolebindings`, {
      apiVersion,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "Role", name: this.#name },
      subjects: [{ kind: "ServiceAccount", name: this.#name, namespace: this.#namespace }],
    });
  }

  async revoke(): Promise<void> {
    await this.#api.delete(`${this.#path}/${this.#name}`);
  }

  async renew(): Promise<void> {
    const metadata = { name: this.#name };
    await this.#api.post(this.#path, { apiVersion: "v1", kind: "ServiceAccount", metadata });
    const made = await this.#api.post(`${this.#path}/${this.#name}/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 3600 },
    });
    writeFileSync(this.tokenFile, (made.status as { token: string }).token, { mode: 0o600 });
  }

  get #path(): string {
    return `/api/v1/namespaces/${this.#namespace}/serviceaccounts`;
  }
}
