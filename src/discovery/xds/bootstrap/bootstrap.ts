/**
 * The bootstrap of an xDS client: which servers there are, how they are reached, and who we are.
 * gRFC A27, with A53 and A88 (server features), A65 (TLS credentials), A29 (certificate providers)
 * and A71 (several servers, in order).
 *
 * JSON to a checked value; no file is read here. Fields that are not known are passed over: "the
 * client should ignore fields it does not understand". Authorities (A47) are passed over too, and a
 * target that names one is refused.
 */
import { isJsonObject } from "../../../base/index.ts";
import { DiscoveryError } from "../../error.ts";

/** How connections to a server are made secure. */
export type XdsCredentials = { readonly kind: "insecure" } | TlsCredentials;

/** A65: each is a path of a PEM file that is read again when it changes. */
export interface TlsCredentials {
  readonly kind: "tls";
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** One entry of `xds_servers`. */
export interface XdsServer {
  /** As it is written: "dns:///control.mesh:18000", "127.0.0.1:18000", "unix:///run/xds". */
  readonly uri: string;
  readonly credentials: XdsCredentials;
  /** "fail_on_data_errors" (A88): what the server takes away is not used any more. */
  readonly failsOnDataErrors: boolean;
  /** "resource_timer_is_transient_error" (A88): the server says itself what does not exist. */
  readonly timerIsTransient: boolean;
}

/** Who we are, as the server is told. */
export interface XdsNode {
  readonly id: string;
  readonly cluster: string;
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string };
  /** A JSON object. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Files of one `certificate_providers` instance of the plugin `file_watcher` (A29). */
export interface CertificateFiles {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** Everything that a client must know before it asks. Immutable. */
export interface XdsBootstrap {
  /** At least one; the first that answers counts. */
  readonly servers: readonly XdsServer[];
  readonly node: XdsNode;
  readonly certificateProviders: ReadonlyMap<string, CertificateFiles>;
  /** Name of the listener of a target: "%s" stands for what follows `xds:///`. */
  readonly listenerTemplate: string;
}

/**
 * @param text JSON.
 * @param source for errors: "GRPC_XDS_BOOTSTRAP_CONFIG" or a path.
 * @throws DiscoveryError naming the field.
 */
export function parseBootstrap(text: string, source: string): XdsBootstrap {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DiscoveryError(`xDS bootstrap ${source} is not JSON: ${(error as Error).message}`);
  }
  return bootstrapOf(json, source);
}

/** As `parseBootstrap`, after `JSON.parse`. */
export function bootstrapOf(json: unknown, source: string): XdsBootstrap {
  const reader = new Reader(source);
  const root = reader.object(json, "the whole");
  const servers = reader.list(root.xds_servers, "xds_servers");
  if (servers.length === 0) throw reader.wrong("xds_servers", "must name at least one server");
  return Object.freeze({
    servers: servers.map((each, i) => serverOf(reader, each, `xds_servers[${i}]`)),
    node: nodeOf(reader, root.node),
    certificateProviders: providersOf(reader, root.certificate_providers),
    listenerTemplate:
      reader.text(
        root.client_default_listener_resource_name_template,
        "client_default_listener_resource_name_template",
      ) || "%s",
  });
}

class Reader {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  wrong(path: string, what: string): DiscoveryError {
    return new DiscoveryError(`xDS bootstrap ${this.#source}: ${path} ${what}`);
  }

  object(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (isJsonObject(value)) return value;
    throw this.wrong(path, "must be a JSON object");
  }

  optional(value: unknown, path: string): Readonly<Record<string, unknown>> {
    return value === undefined || value === null ? {} : this.object(value, path);
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    throw this.wrong(path, "must be a list");
  }

  text(value: unknown, path: string): string {
    if (value === undefined || value === null) return "";
    if (typeof value === "string") return value;
    throw this.wrong(path, "must be a string");
  }

  file(value: unknown, path: string): string | null {
    return this.text(value, path) || null;
  }
}

function serverOf(reader: Reader, value: unknown, path: string): XdsServer {
  const fields = reader.object(value, path);
  const uri = reader.text(fields.server_uri, `${path}.server_uri`);
  if (uri === "") throw reader.wrong(`${path}.server_uri`, "is missing");
  const features = reader.list(fields.server_features, `${path}.server_features`);
  return {
    uri,
    credentials: credentialsOf(reader, fields.channel_creds, `${path}.channel_creds`),
    failsOnDataErrors: features.includes("fail_on_data_errors"),
    timerIsTransient:
      features.includes("resource_timer_is_transient_error") ||
      features.includes("resource_timer_indicates_transient_failure"),
  };
}

/** the client will iterate over the list and stop at the first type that it supports (A27). */
function credentialsOf(reader: Reader, value: unknown, path: string): XdsCredentials {
  const names: string[] = [];
  for (const [i, each] of reader.list(value, path).entries()) {
    const { type, config } = reader.object(each, `${path}[${i}]`);
    const at = `${path}[${i}].config`;
    if (type === "insecure") return { kind: "insecure" };
    if (type === "tls") return { kind: "tls", ...filesOf(reader, reader.optional(config, at), at) };
    names.push(String(type));
  }
  const had = names.length === 0 ? "" : `, not ${names.join(", ")}`;
  throw reader.wrong(path, `must have an entry of type insecure or tls${had}`);
}

function filesOf(
  reader: Reader,
  config: Readonly<Record<string, unknown>>,
  path: string,
): CertificateFiles {
  const caFile = reader.file(config.ca_certificate_file, `${path}.ca_certificate_file`);
  const certFile = reader.file(config.certificate_file, `${path}.certificate_file`);
  const keyFile = reader.file(config.private_key_file, `${path}.private_key_file`);
  // certificate_file and private_key_file must both be set or both be unset (A29).
  if ((certFile === null) === (keyFile === null)) return { caFile, certFile, keyFile };
  throw reader.wrong(path, "must have both certificate_file and private_key_file, or neither");
}

function nodeOf(reader: Reader, value: unknown): XdsNode {
  const node = reader.optional(value, "node");
  const locality = reader.optional(node.locality, "node.locality");
  return {
    id: reader.text(node.id, "node.id"),
    cluster: reader.text(node.cluster, "node.cluster"),
    locality: {
      region: reader.text(locality.region, "node.locality.region"),
      zone: reader.text(locality.zone, "node.locality.zone"),
      subZone: reader.text(locality.sub_zone ?? locality.subZone, "node.locality.sub_zone"),
    },
    metadata: reader.optional(node.metadata, "node.metadata"),
  };
}

/** Plugins other than `file_watcher` are passed over: who uses one is told that there is none. */
function providersOf(reader: Reader, value: unknown): ReadonlyMap<string, CertificateFiles> {
  const found = new Map<string, CertificateFiles>();
  for (const [name, each] of Object.entries(reader.optional(value, "certificate_providers"))) {
    const path = `certificate_providers.${name}`;
    const { plugin_name: plugin, config } = reader.object(each, path);
    if (plugin !== "file_watcher") continue;
    const at = `${path}.config`;
    found.set(name, filesOf(reader, reader.optional(config, at), at));
  }
  return found;
}
