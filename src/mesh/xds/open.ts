/** A mesh source of an xDS server, from a bootstrap. Loaded when xDS is spoken only. */
import { tryServiceConfig } from "../../cluster/index.ts";
import type {
  ClusterResource,
  ResourceKind,
  XdsProtocol,
  XdsSystem,
} from "../../discovery/index.ts";
import { DnsNames, loadXds, systemDns } from "../../discovery/index.ts";
import type { XdsSource } from "../config.ts";
import { XdsMeshSource } from "./source.ts";

/** What a user says. */
export interface XdsMeshOptions {
  /** After `JSON.parse`; null: as the environment says (gRFC A27). */
  readonly bootstrap: unknown;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What follows `xds:///`; null: every listener that the server has for this node. */
  readonly target: string | null;
  /** State of the world unless said otherwise. */
  readonly protocol?: XdsProtocol | undefined;
}

/**
 * See `openXds` of the room.
 *
 * @throws DiscoveryError, TargetError or RangeError (rejects) when the bootstrap cannot be used.
 */
export async function openXdsSource(options: XdsMeshOptions, given: XdsSystem): Promise<XdsSource> {
  // One for all clusters whose names are looked up: they share queries.
  const { clock, rng, dns = new DnsNames({ clock, rng, system: systemDns() }) } = given;
  const system = { ...given, dns };
  const xds = await loadXds();
  const bootstrap =
    options.bootstrap === null
      ? xds.loadBootstrap(options.env)
      : xds.bootstrapOf(options.bootstrap, "given");
  const client = new xds.XdsClient(bootstrap, system, options.protocol);
  const { target } = options;
  const listener = target === null ? null : bootstrap.listenerTemplate.replaceAll("%s", target);
  const clusterKind: ResourceKind<ClusterResource> = xds.clusterKind(problemOf);
  return new XdsMeshSource({ client, system, xds, clusterKind, listener });
}

/** What we would not apply is refused where the server hears of it. */
function problemOf(json: unknown): string | null {
  const config = tryServiceConfig({ json });
  return typeof config === "string" ? config : null;
}
