/**
 * The flags of a proxy of many targets: `--gateway`, `--control` and `--to xds:///NAME`. Nothing is
 * opened here.
 */
import type { Command } from "commander";
import type { GatewayName } from "../mesh/index.ts";
import { type ListenPlace, type MeshProxyConfig, PROXY_DEFAULTS } from "../proxy/index.ts";
import { frontConfig, type ProxyOptions, parseTcp } from "./proxy-options.ts";
import { badValue, UsageError, valueOption } from "./usage.ts";

/** As commander yields them. */
export interface MeshOptions {
  readonly gateway?: GatewayName;
  /** "HOST:PORT". */
  readonly control?: string;
  readonly controlCa?: string;
  readonly controlCert?: string;
  readonly controlKey?: string;
}

/** Where configurations come from. */
export type MeshOrigin =
  | { readonly kind: "objects"; readonly gateway: GatewayName }
  | {
      readonly kind: "control";
      readonly gateway: GatewayName | null;
      readonly server: ControlServer;
      /** What the control plane is told that we are; a gateway unless said otherwise. */
      readonly role?: "gateway" | "sidecar";
    }
  /** Of `xds:///`, by the bootstrap of the environment. */
  | { readonly kind: "xds"; readonly target: string };

/** A control plane. */
export interface ControlServer {
  /** "HOST:PORT". */
  readonly address: string;
  /** Files of PEM; null: plaintext. */
  readonly tls: {
    readonly caFile: string | null;
    readonly certFile: string | null;
    readonly keyFile: string | null;
  } | null;
}

/** What is served, and how. */
export interface MeshPlan {
  readonly origin: MeshOrigin;
  readonly config: MeshProxyConfig;
}

/** Adds the flags. */
export function addMeshOptions(command: Command): void {
  const gateway = "NAMESPACE/NAME of a Gateway: its listeners and routes, instead of --to";
  const control = "HOST:PORT of a control plane that says what is served, instead of --to";
  command
    .addOption(valueOption("--gateway <name>", gateway, parseGateway))
    .addOption(valueOption("--control <address>", control, parseControl))
    .option("--control-ca <file>", "the control plane speaks TLS: its CA, PEM")
    .option("--control-cert <file>", "certificate to show to it, PEM")
    .option("--control-key <file>", "its key, PEM");
}

/**
 * What the flags make; null: a proxy of one target.
 * @throws UsageError for flags that do not go together.
 */
export function meshPlan(options: ProxyOptions & MeshOptions): MeshPlan | null {
  const { gateway, control, to } = options;
  const server = control === undefined ? null : { address: control, tls: controlTls(options) };
  if (server === null) refuseWithout(options);
  if (server !== null && gateway === undefined && to === undefined) {
    throw new UsageError("--control needs --gateway NAMESPACE/NAME, or --mode sidecar or node");
  }
  const isXds = to?.startsWith("xds:") === true;
  if (gateway === undefined && server === null && !isXds) return null;
  if (to !== undefined && (gateway !== undefined || server !== null)) {
    const other = gateway === undefined ? "--control" : "--gateway";
    throw new UsageError(`--to and ${other} exclude each other: each says what is served`);
  }
  for (const [key, flag] of TARGET_FLAGS) {
    if (options[key] !== undefined) throw new UsageError(`${flag} needs --to with one target`);
  }
  const origin = originOf(gateway ?? null, server, to ?? "");
  const places = placesOf(options, isXds);
  if (isXds && places.length === 0) {
    throw new UsageError("--listen is missing: HOST:PORT or unix:PATH");
  }
  return {
    origin,
    config: {
      ...frontConfig(options),
      serves: servesOf(origin),
      places,
      policy: options.policy ?? options.serviceConfig ?? PROXY_DEFAULTS.policy,
      isEager: true,
    },
  };
}

/** Flags of a target; a Gateway has certificates of its own. */
const TARGET_FLAGS = [
  ["tlsCert", "--tls-cert"],
  ["tlsKey", "--tls-key"],
  ["tlsClientCa", "--tls-client-ca"],
  ["toTls", "--to-tls"],
  ["toCa", "--to-ca"],
  ["toAuthority", "--to-authority"],
  ["toCert", "--to-cert"],
  ["toKey", "--to-key"],
] as const;

function refuseWithout({ controlCa, controlCert, controlKey }: MeshOptions): void {
  const flags = [
    ["--control-ca", controlCa],
    ["--control-cert", controlCert],
    ["--control-key", controlKey],
  ];
  const given = flags.find(([, value]) => value !== undefined);
  if (given !== undefined) throw new UsageError(`${given[0]} needs --control`);
}

/** What TLS to the control plane needs; null: plaintext. @throws UsageError */
export function controlTls({
  controlCa,
  controlCert,
  controlKey,
}: MeshOptions): ControlServer["tls"] {
  if ((controlCert === undefined) !== (controlKey === undefined)) {
    const [has, needs] = controlCert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new UsageError(`--control-${has} needs --control-${needs}`);
  }
  if (controlCa === undefined && controlCert === undefined) return null;
  const [certFile, keyFile] = [controlCert ?? null, controlKey ?? null];
  return { caFile: controlCa ?? null, certFile, keyFile };
}

function originOf(gateway: GatewayName | null, server: ControlServer | null, to: string) {
  if (server !== null) return { kind: "control", gateway, server } as const;
  if (gateway !== null) return { kind: "objects", gateway } as const;
  return { kind: "xds", target: to.replace(/^xds:(?:\/\/[^/]*\/)?/, "") } as const;
}

function servesOf(origin: MeshOrigin): string {
  if (origin.kind === "xds") return `xds:///${origin.target}`;
  const { gateway } = origin;
  const name = gateway === null ? "" : `gateway ${gateway.namespace}/${gateway.name}`;
  if (origin.kind === "objects") return name;
  return `${name === "" ? "listeners" : name} of ${origin.server.address}`;
}

function placesOf({ listen = [] }: ProxyOptions, isXds: boolean): ListenPlace[] {
  return listen.map((each) => {
    if (!("address" in each)) return { port: null, address: each };
    if (!isXds) return each;
    throw new UsageError("--listen PORT=HOST:PORT needs --gateway or --control");
  });
}

/** A parser of `--gateway`. */
function parseGateway(flag: string, text: string): GatewayName {
  const match = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)$/.exec(
    text,
  );
  if (match === null) throw badValue(flag, text, "NAMESPACE/NAME of a Gateway");
  return { namespace: match[1], name: match[2] };
}

/** A parser of `--control`. */
function parseControl(flag: string, text: string): string {
  parseTcp(flag, text);
  return text;
}
