/**
 * The entries of a kubeconfig that a context names, checked: context, cluster and user.
 *
 * Field names and meanings are those of the kubeconfig (v1) reference. Data beats a file of the
 * same kind, as it does for kubectl. Nothing is read here but the entries themselves.
 */
import { dirname } from "node:path";
import { Secret } from "../secret.ts";
import type { Fields } from "./fields.ts";

/** A PEM text, or the file that holds it. */
export interface PemSource {
  /** For messages: "kubeconfig F: users[dev].user.client-key-data", or the path of the file. */
  readonly name: string;
  readonly path: string | null;
  readonly data: Secret | null;
}

/** An API server and how to trust it. */
export interface ClusterEntry {
  /** An http: or https: address, without a slash at its end. */
  readonly server: string;
  /** null: the CAs that the machine trusts. */
  readonly ca: PemSource | null;
  readonly isInsecure: boolean;
  /** The name in the server's certificate, and the SNI; null: the server's host. */
  readonly tlsServerName: string | null;
  /** http:, https: or socks5:; it may hold a password. */
  readonly proxyUrl: Secret | null;
}

/** As whom we come. */
export interface UserEntry {
  readonly token: Secret | null;
  readonly tokenFile: string | null;
  readonly certificate: PemSource | null;
  readonly key: PemSource | null;
  /** The entry as it is written, when an exec plugin or an auth provider is to be asked. */
  readonly plugin: PluginEntry | null;
  /** The `Impersonate-*` headers. */
  readonly impersonate: Readonly<Record<string, string | readonly string[]>>;
}

/** An exec plugin or an auth provider, such as OIDC. */
export interface PluginEntry {
  readonly kind: "exec plugin" | "auth provider";
  /** The command, or the provider's name. */
  readonly name: string;
  /** Of the kubeconfig's user; plugins cache by it. */
  readonly userName: string;
  readonly config: Secret;
}

/** Checks a cluster's entry. @throws ApiAccessError */
export function readCluster(entry: Fields): ClusterEntry {
  const cluster = entry.child("cluster");
  if (cluster === null) throw entry.error("cluster", "must be set");
  const server = cluster.required("server");
  const url = URL.canParse(server) ? new URL(server) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw cluster.error("server", 'must be an address such as "https://10.0.0.1:6443"');
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw cluster.error("server", "must not hold a user, a query or a fragment");
  }
  const isInsecure = cluster.flag("insecure-skip-tls-verify");
  const ca = pem(cluster, "certificate-authority");
  if (isInsecure && ca !== null) {
    throw cluster.error("insecure-skip-tls-verify", "must not be set beside certificate-authority");
  }
  return {
    server: url.href.replace(/\/+$/, ""),
    ca,
    isInsecure,
    tlsServerName: cluster.text("tls-server-name"),
    proxyUrl: readProxy(cluster),
  };
}

function readProxy(cluster: Fields): Secret | null {
  const text = cluster.text("proxy-url");
  if (text === null) return null;
  const protocol = URL.canParse(text) ? new URL(text).protocol : "";
  if (!["http:", "https:", "socks5:", "socks5h:"].includes(protocol)) {
    throw cluster.error("proxy-url", "must begin with http://, https:// or socks5://");
  }
  return new Secret(text);
}

/** Checks a user's entry. @throws ApiAccessError */
export function readUser(entry: Fields, userName: string): UserEntry {
  const user = entry.child("user") ?? entry;
  if (user.text("username") !== null || user.text("password") !== null) {
    throw user.error(
      "username",
      "cannot be used: API servers have no basic authentication since 1.19; allowed are token, " +
        "tokenFile, client-certificate with client-key, exec and auth-provider",
    );
  }
  const certificate = pem(user, "client-certificate");
  const key = pem(user, "client-key");
  if (certificate !== null && key === null) {
    throw user.error("client-key", "or client-key-data must be set beside client-certificate");
  }
  if (key !== null && certificate === null) {
    throw user.error("client-certificate", "or its -data must be set beside client-key");
  }
  const token = user.text("token");
  const tokenFile = user.filePath("tokenFile", dirname(user.file));
  const isTokenSet = token !== null || tokenFile !== null;
  return {
    token: token === null ? null : new Secret(checkToken(user, token)),
    tokenFile,
    certificate,
    key,
    plugin: isTokenSet ? null : readPlugin(user, userName),
    impersonate: readImpersonation(user),
  };
}

/** A header cannot hold what breaks lines. */
function checkToken(user: Fields, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw user.error("token", "must be printable ASCII without spaces");
}

function readPlugin(user: Fields, userName: string): PluginEntry | null {
  const exec = user.child("exec");
  const provider = user.child("auth-provider");
  if (exec !== null && provider !== null) {
    throw user.error("auth-provider", "must not be set beside exec");
  }
  if (exec !== null) {
    const name = exec.required("command");
    if (exec.text("interactiveMode") === "Always") {
      throw exec.error("interactiveMode", "must not be Always: nobody is there to be asked");
    }
    const config = new Secret(JSON.stringify({ exec: withPlugInPath(exec) }));
    return { kind: "exec plugin", name, userName, config };
  }
  if (provider === null) return null;
  const config = new Secret(JSON.stringify({ authProvider: provider.raw }));
  return { kind: "auth provider", name: provider.required("name"), userName, config };
}

/** A command with a slash in it is relative to the kubeconfig; another is looked for in PATH. */
function withPlugInPath(exec: Fields): Record<string, unknown> {
  const command = exec.required("command");
  if (!command.includes("/")) return { ...exec.raw };
  return { ...exec.raw, command: exec.filePath("command", dirname(exec.file)) };
}

function readImpersonation(user: Fields): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {};
  const as = user.text("as");
  const uid = user.text("as-uid");
  const groups = user.texts("as-groups");
  const extra = user.child("as-user-extra");
  if (as === null && (uid !== null || groups.length > 0 || extra !== null)) {
    throw user.error("as", "must be set when as-uid, as-groups or as-user-extra is");
  }
  if (as !== null) headers["Impersonate-User"] = as;
  if (uid !== null) headers["Impersonate-Uid"] = uid;
  if (groups.length > 0) headers["Impersonate-Group"] = groups;
  for (const name of extra?.names ?? []) {
    // "keys ... should be percent-encoded" where a header name cannot hold them.
    headers[`Impersonate-Extra-${encodeURIComponent(name)}`] = extra!.texts(name);
  }
  const isSendable = Object.values(headers)
    .flat()
    .every((text) => /^[\x20-\x7e]*$/.test(text));
  if (!isSendable) throw user.error("as", "and what stands beside it must be printable ASCII");
  return headers;
}

function pem(fields: Fields, name: string): PemSource | null {
  const data = fields.base64(`${name}-data`);
  const path = fields.filePath(name, dirname(fields.file));
  if (data !== null) {
    const place = `kubeconfig ${fields.file}: ${fields.path}.${name}-data`;
    return { name: place, path: null, data: new Secret(data) };
  }
  return path === null ? null : { name: path, path, data: null };
}
