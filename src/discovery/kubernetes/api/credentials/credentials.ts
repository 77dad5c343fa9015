/**
 * As whom requests are made: the headers, and the client certificate of a plugin.
 *
 * What may be kept, and for how long, differs by kind; whoever makes a request asks each time.
 * Certificates from files are not here but in `http/tls.ts`: they belong to connections.
 */
import type { Clock, Logger } from "../../../../base/index.ts";
import type { ClusterEntry, UserEntry } from "../config/entries.ts";
import type { Secret } from "../secret.ts";
import { type LoadClientNode, PluginCredentials } from "./plugin.ts";
import { TokenFile } from "./token-file.ts";

/** What a request carries. */
export interface Presented {
  readonly token: Secret | null;
  /** Of a plugin, PEM; null when the plugin gives none. */
  readonly certificate: { readonly cert: string; readonly key: Secret } | null;
}

/** The source of what a request carries. */
export interface Credentials {
  /** For people: "token file /var/run/...", "exec plugin aws", "none". */
  readonly description: string;
  /** @throws ApiAccessError when there is nothing to present. */
  present(): Promise<Presented>;
  /** The server refused what was presented; true when the next may be another. */
  renew(): boolean;
}

/** What credentials need. */
export interface CredentialsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Loads the optional package for plugins; the real one by default. */
  readonly loadClientNode?: LoadClientNode | undefined;
}

const NOTHING: Presented = { token: null, certificate: null };

/** The credentials of a user entry. @throws ApiAccessError when a token file cannot be used. */
export function createCredentials(
  user: UserEntry,
  cluster: ClusterEntry,
  deps: CredentialsDeps,
): Credentials {
  if (user.tokenFile !== null) return new TokenFile(user.tokenFile, user.token, deps);
  if (user.token !== null) return fixed("token", { token: user.token, certificate: null });
  if (user.plugin !== null) return new PluginCredentials(user.plugin, cluster, deps);
  return fixed(user.certificate === null ? "none" : "client certificate", NOTHING);
}

function fixed(description: string, presented: Presented): Credentials {
  return { description, present: () => Promise.resolve(presented), renew: () => false };
}
