/** What a mesh configuration says, made of xDS resources that are all known. */
import { createHash } from "node:crypto";
import type { ClusterResource, Resolver } from "../../discovery/index.ts";
import type { RouteTable } from "../../routes/index.ts";
import type { ChainTls, ClusterSpec, FilterChain } from "../config.ts";
import type { Certificates } from "./certificates.ts";
import type { ChainResource, TableSource } from "./listener.ts";

/** @throws CertificateError */
function chainTlsOf(chain: ChainResource, certificates: Certificates): ChainTls | null {
  const { tls } = chain;
  if (tls === null) return null;
  const ca = tls.wantsClientCertificate && tls.ca !== null ? certificates.caOf(tls.ca) : null;
  return { certificates: tls.certificates.map((each) => certificates.pairOf(each)), clientCa: ca };
}

/** @param tableOf null when the table does not exist. @throws CertificateError */
export function chainOf(
  chain: ChainResource,
  tableOf: (source: TableSource) => RouteTable | null,
  certificates: Certificates,
): FilterChain {
  return {
    serverNames: chain.serverNames,
    tls: chainTlsOf(chain, certificates),
    table: tableOf(chain.routes) ?? NO_ROUTES,
  };
}

const NO_ROUTES: RouteTable = Object.freeze({ hosts: [] });

/**
 * @param scope tells clusters of one source from those of another.
 * @throws CertificateError
 */
export function clusterSpecOf(
  resource: ClusterResource,
  scope: string,
  certificates: Certificates,
  newResolver: () => Resolver,
): ClusterSpec {
  const { name, tls: context } = resource;
  const own = context?.certificates[0];
  const tls =
    context === null
      ? null
      : {
          ca: context.ca === null ? null : certificates.caOf(context.ca),
          certificate: own === undefined ? null : certificates.pairOf(own),
          serverName: context.serverName,
        };
  const secret = tls === null ? "" : digestOf(JSON.stringify(tls));
  const key = JSON.stringify([scope, name, secret]);
  return { name, key, newResolver, serviceConfig: null, tls };
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
