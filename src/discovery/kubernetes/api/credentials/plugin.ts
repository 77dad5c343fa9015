/**
 * Credentials of exec plugins and auth providers (OIDC), through `@kubernetes/client-node`.
 *
 * That package is an optional peer, loaded when a kubeconfig asks for a plugin and not before. It
 * runs the command, refreshes OIDC tokens and keeps what they give until it expires. Used for that
 * alone: no request goes through it.
 */
import { readFileSync } from "node:fs";
import { type Clock, type Logger, type Timer, visible } from "../../../../base/index.ts";
import type { ClusterEntry, PluginEntry } from "../config/entries.ts";
import { ApiAccessError } from "../error.ts";
import { REDACTED, Secret } from "../secret.ts";
import type { Credentials, Presented } from "./credentials.ts";

/** The optional peer. */
const CLIENT_NODE_PACKAGE = "@kubernetes/client-node";
/** A plugin may take this long: some ask a server far away. */
export const PLUGIN_TIMEOUT_MS = 60_000;
/** A plugin that failed, or whose credentials are refused, is not asked again sooner. */
export const PLUGIN_RENEW_MS = 10_000;

/** What of the package is used. */
export interface ClientNode {
  readonly KubeConfig: new () => {
    loadFromOptions(options: unknown): void;
    applyToHTTPSOptions(options: PluginOptions): Promise<void>;
  };
}

/** What the package fills in. */
interface PluginOptions {
  headers?: Record<string, unknown>;
  cert?: unknown;
  key?: unknown;
}

/** Loads the package. */
export type LoadClientNode = () => Promise<ClientNode>;

/** By a name that bundlers do not see: it is not ours to bundle. */
const loadInstalled: LoadClientNode = () => import(String(CLIENT_NODE_PACKAGE));

/** See the head of this file. */
export class PluginCredentials implements Credentials {
  readonly description: string;
  readonly #entry: PluginEntry;
  readonly #cluster: ClusterEntry;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #load: LoadClientNode;
  #config: InstanceType<ClientNode["KubeConfig"]> | null = null;
  /** Requests at the same time share one run. */
  #running: Promise<Presented> | null = null;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown; readonly atMs: number } | null = null;

  constructor(
    entry: PluginEntry,
    cluster: ClusterEntry,
    deps: { clock: Clock; log: Logger; loadClientNode?: LoadClientNode | undefined },
  ) {
    this.description = `${entry.kind} ${entry.name}`;
    this.#entry = entry;
    this.#cluster = cluster;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#load = deps.loadClientNode ?? loadInstalled;
  }

  /** Asks the plugin, or takes what it gave before and is still good. */
  present(): Promise<Presented> {
    const failure = this.#failure;
    if (failure !== null && this.#clock.nowMs() - failure.atMs < PLUGIN_RENEW_MS) {
      return Promise.reject(failure.error);
    }
    this.#running ??= this.#run().then(
      (presented) => {
        this.#running = null;
        this.#failure = null;
        return presented;
      },
      (error: unknown) => {
        this.#running = null;
        this.#failure = { error, atMs: this.#clock.nowMs() };
        throw error;
      },
    );
    return this.#running;
  }

  /** Forgets what the plugin gave. */
  renew(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#renewedAtMs < PLUGIN_RENEW_MS) return false;
    this.#renewedAtMs = nowMs;
    this.#config = null;
    this.#log.debug("credentials were refused; the plugin is asked again");
    return true;
  }

  async #run(): Promise<Presented> {
    this.#config ??= await this.#configure();
    const options: PluginOptions = {};
    try {
      await this.#inTime(this.#config.applyToHTTPSOptions(options));
    } catch (error) {
      if (error instanceof ApiAccessError) throw error;
      throw new ApiAccessError(`${this.description}: ${reasonOf(error)}`);
    }
    return this.#presented(options);
  }

  #presented({ headers, cert, key }: PluginOptions): Presented {
    const header = headers?.Authorization ?? headers?.authorization;
    const token = /^Bearer ([\x21-\x7e]+)$/.exec(String(header ?? ""))?.[1] ?? null;
    const hasCertificate = isPem(cert) && isPem(key);
    if (token === null && !hasCertificate) {
      throw new ApiAccessError(`${this.description}: gives neither a token nor a certificate`);
    }
    return {
      token: token === null ? null : new Secret(token),
      certificate: hasCertificate ? { cert: String(cert), key: new Secret(String(key)) } : null,
    };
  }

  async #configure(): Promise<InstanceType<ClientNode["KubeConfig"]>> {
    const { kind, userName, config } = this.#entry;
    const client = await this.#loaded();
    const kubeConfig = new client.KubeConfig();
    const user = JSON.parse(config.reveal());
    if (kind === "exec plugin") user.exec = withExecInfo(user.exec, this.#cluster);
    kubeConfig.loadFromOptions({
      clusters: [{ name: "cluster", server: this.#cluster.server, skipTLSVerify: false }],
      users: [{ name: userName, ...user }],
      contexts: [{ name: "context", cluster: "cluster", user: userName }],
      currentContext: "context",
    });
    return kubeConfig;
  }

  async #loaded(): Promise<ClientNode> {
    try {
      return await this.#load();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const what = code === "ERR_MODULE_NOT_FOUND" ? "is not installed" : "cannot be loaded";
      throw new ApiAccessError(
        `${this.description}: needs the package ${CLIENT_NODE_PACKAGE}, which ${what}: ` +
          `npm install ${CLIENT_NODE_PACKAGE}`,
      );
    }
  }

  async #inTime(work: Promise<void>): Promise<void> {
    let timer: Timer | null = null;
    const timeOut = new Promise<never>((_resolve, reject) => {
      timer = this.#clock.setTimer(PLUGIN_TIMEOUT_MS, () => {
        const seconds = PLUGIN_TIMEOUT_MS / 1000;
        reject(new ApiAccessError(`${this.description}: no answer within ${seconds} s`));
      });
    });
    await Promise.race([work, timeOut]).finally(() => timer?.cancel());
  }
}

/** What the protocol of exec plugins (client.authentication.k8s.io) passes to the command. */
function withExecInfo(exec: Record<string, unknown>, cluster: ClusterEntry): unknown {
  const isClusterWanted = exec.provideClusterInfo === true;
  const info = {
    apiVersion: exec.apiVersion,
    kind: "ExecCredential",
    spec: { interactive: false, ...(isClusterWanted ? { cluster: clusterInfo(cluster) } : {}) },
  };
  const env = Array.isArray(exec.env) ? exec.env : [];
  const value = JSON.stringify(info);
  return { ...exec, env: [...env, { name: "KUBERNETES_EXEC_INFO", value }] };
}

function clusterInfo({ server, ca, isInsecure, tlsServerName }: ClusterEntry): unknown {
  const pem = ca?.data?.reveal() ?? (ca?.path == null ? null : readFileSync(ca.path, "utf8"));
  return {
    server,
    ...(isInsecure ? { "insecure-skip-tls-verify": true } : {}),
    ...(tlsServerName === null ? {} : { "tls-server-name": tlsServerName }),
    ...(pem === null
      ? {}
      : { "certificate-authority-data": Buffer.from(pem, "utf8").toString("base64") }),
  };
}

/** Of what a plugin complains with. */
const COMPLAINT_CHARS_MAX = 200;
/** What looks like a token, or a key: long, or not quite so long and with a digit in it. */
const TOKEN_LIKE = /\S{40,}|(?=[^\s\d]*\d)\S{20,}/g;

/** The first line that a plugin complains with, without what looks like a token. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "the command is not there; it must be in PATH";
  if (error instanceof SyntaxError) return "it does not print an ExecCredential in JSON";
  const line =
    String(message ?? "")
      .split("\n")
      .find((one) => one.trim() !== "") ?? "";
  // First taken out, then cut: a half of a token looks like none.
  const clean = visible(line.trim().replace(TOKEN_LIKE, REDACTED), COMPLAINT_CHARS_MAX);
  return clean === "" ? "it failed" : `it failed: ${clean}`;
}

function isPem(value: unknown): boolean {
  return (
    (typeof value === "string" || Buffer.isBuffer(value)) && String(value).includes("-----BEGIN")
  );
}
