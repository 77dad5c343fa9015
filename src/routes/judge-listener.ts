/**
 * What is to be said of one listener of a Gateway, whatever its routes: whether it is accepted, in
 * conflict with another, and which certificates it has. gateway.networking.k8s.io/v1 Listener.
 */
import type { Gateway, GatewayListener, GroupKind, ObjectRef } from "../discovery/index.ts";
import type { Fault } from "./conditions.ts";
import { ANY_HOST } from "./hostnames.ts";
import { GATEWAY_GROUP, type Grants, type RouteObjects } from "./route-objects.ts";

/** A certificate with its key, and the Secret it came from. Never logged, never dumped. */
export interface ListenerCertificate {
  /** "namespace/name" of the Secret. */
  readonly secret: string;
  readonly cert: string;
  readonly key: string;
}

/** What was found. */
export interface ListenerFindings {
  readonly acceptFault: Fault | null;
  readonly conflict: Fault | null;
  readonly refFault: Fault | null;
  readonly supportedKinds: readonly GroupKind[];
  /** Of HTTPS: those that can be used. */
  readonly certificates: readonly ListenerCertificate[];
  /** Whether calls can be served on it. */
  readonly isServed: boolean;
}

const ROUTE_KIND: GroupKind = { group: GATEWAY_GROUP, kind: "GRPCRoute" };

/** Judges a listener among all of its Gateway. */
export function judgeListener(
  listener: GatewayListener,
  gateway: Gateway,
  objects: RouteObjects,
  grants: Grants,
): ListenerFindings {
  const conflict = conflictOf(listener, gateway.listeners);
  const acceptFault = acceptFaultOf(listener, gateway) ?? conflict;
  const { kinds, fault: kindFault } = kindsOf(listener);
  const { certificates, fault } = certificatesOf(listener, gateway, objects, grants);
  const hasTls = listener.protocol !== "HTTPS" || certificates.length > 0;
  return {
    acceptFault,
    conflict,
    refFault: kindFault ?? fault,
    supportedKinds: kinds,
    certificates,
    isServed: acceptFault === null && kinds.length > 0 && hasTls,
  };
}

/** Whether a protocol can carry gRPC here. */
function isServable(protocol: string): boolean {
  return protocol === "HTTP" || protocol === "HTTPS";
}

function acceptFaultOf(listener: GatewayListener, gateway: Gateway): Fault | null {
  const { protocol, unsupported } = listener;
  if (!isServable(protocol)) {
    const message = `protocol ${protocol} is not supported, HTTP and HTTPS are`;
    return { reason: "UnsupportedProtocol", message };
  }
  // To serve on without what was asked for could let in whom it would have kept out.
  const missing = protocol === "HTTPS" && gateway.unsupported.includes("spec.tls.frontend");
  const field = missing ? "spec.tls.frontend" : unsupported[0];
  if (field === undefined) return null;
  return { reason: "UnsupportedValue", message: `${field} is not supported` };
}

/** "The implementation MUST NOT pick one conflicting Listener as the winner." */
function conflictOf(listener: GatewayListener, all: readonly GatewayListener[]): Fault | null {
  if (!isServable(listener.protocol)) return null;
  const samePort = all.filter(
    (other) => other !== listener && other.port === listener.port && isServable(other.protocol),
  );
  const byProtocol = samePort.find(({ protocol }) => protocol !== listener.protocol);
  if (byProtocol !== undefined) {
    const message = `listener ${byProtocol.name} has ${byProtocol.protocol} on port ${listener.port}`;
    return { reason: "ProtocolConflict", message };
  }
  const byHost = samePort.find(({ hostname }) => hostname === listener.hostname);
  if (byHost === undefined) return null;
  const message =
    `listener ${byHost.name} has hostname ${listener.hostname ?? ANY_HOST} ` +
    `on port ${listener.port} as well`;
  return { reason: "HostnameConflict", message };
}

function kindsOf({ protocol, allowedRoutes }: GatewayListener): {
  readonly kinds: readonly GroupKind[];
  readonly fault: Fault | null;
} {
  if (!isServable(protocol)) return { kinds: [], fault: null };
  const { kinds } = allowedRoutes;
  if (kinds.length === 0) return { kinds: [ROUTE_KIND], fault: null };
  const isRoute = ({ group, kind }: GroupKind): boolean =>
    group === GATEWAY_GROUP && kind === ROUTE_KIND.kind;
  const other = kinds.find((each) => !isRoute(each));
  return {
    kinds: kinds.some(isRoute) ? [ROUTE_KIND] : [],
    fault:
      other === undefined
        ? null
        : {
            reason: "InvalidRouteKinds",
            message: `routes of kind ${other.kind} (${other.group}) are not supported`,
          },
  };
}

function certificatesOf(
  listener: GatewayListener,
  gateway: Gateway,
  objects: RouteObjects,
  grants: Grants,
): { readonly certificates: readonly ListenerCertificate[]; readonly fault: Fault | null } {
  if (listener.protocol !== "HTTPS") return { certificates: [], fault: null };
  const certificates: ListenerCertificate[] = [];
  let fault: Fault | null = null;
  for (const ref of listener.tls?.certificateRefs ?? []) {
    const found = certificateOf(ref, gateway.metadata.namespace, objects, grants);
    if (found.certificate !== null) certificates.push(found.certificate);
    fault ??= found.fault;
  }
  if (fault === null && certificates.length === 0) {
    fault = { reason: "InvalidCertificateRef", message: "it has no certificate" };
  }
  return { certificates, fault };
}

/** Both: a Secret that is no good now, and what it held when it was. */
interface FoundCertificate {
  readonly certificate: ListenerCertificate | null;
  readonly fault: Fault | null;
}

function certificateOf(
  { group, kind, namespace, name }: ObjectRef,
  ownNamespace: string,
  { secrets }: RouteObjects,
  grants: Grants,
): FoundCertificate {
  const none = (reason: string, message: string) => ({
    certificate: null,
    fault: { reason, message },
  });
  const invalid = "InvalidCertificateRef";
  const where = namespace ?? ownNamespace;
  const secret = `${where}/${name}`;
  if (group !== "" || kind !== "Secret") {
    const full = group === "" ? kind : `${kind} of ${group}`;
    return none(invalid, `${full} ${secret} is no certificate, only Secrets are`);
  }
  const from = { kind: "Gateway", namespace: ownNamespace };
  if (!grants.permits(from, { group, kind, namespace: where, name })) {
    const message =
      `Secret ${secret} is in another namespace, and no ReferenceGrant there allows ` +
      `Gateways of ${ownNamespace} to refer to it`;
    return none("RefNotPermitted", message);
  }
  const object = secrets.get(secret);
  if (object === undefined) return none(invalid, `Secret ${secret} does not exist`);
  const { tls, problem } = object;
  if (tls === null) return none(invalid, `Secret ${secret} cannot be used: ${problem}`);
  const certificate = { secret, cert: tls.cert, key: tls.key };
  if (problem === null) return { certificate, fault: null };
  const message = `Secret ${secret} cannot be used: ${problem}; its last good certificate stays`;
  return { certificate, fault: { reason: invalid, message } };
}
