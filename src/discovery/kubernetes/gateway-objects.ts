/**
 * The objects of the Gateway API, and of what its rules ask for (Namespace, Secret), as far as they
 * are read. Types only: who checks that an object has this shape is `check.ts`.
 *
 * Field names and meanings are those of gateway.networking.k8s.io, v1 (ReferenceGrant: v1beta1).
 * What the API server fills in when it is absent is filled in here. A field that is set and that
 * nobody here knows how to obey is not dropped: its path is in `unsupported`, so that whoever
 * judges the object can say so.
 */
import type { KubernetesObject, ObjectMeta } from "./objects.ts";

/** Metadata of an object that has a status, or an age that counts. */
export interface VersionedMeta extends ObjectMeta {
  /** Of the spec; 0 when it is not said, as in files. */
  readonly generation: number;
  /** RFC 3339, as the API server writes it: sorts as text. "" when it is not said. */
  readonly creationTimestamp: string;
}

/** One condition of a status (meta/v1 Condition). */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly observedGeneration: number;
  /** RFC 3339; "" when it is not said. */
  readonly lastTransitionTime: string;
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** A group and kind: of routes that a listener takes, or of objects that a grant is for. */
export interface GroupKind {
  /** "" for the core group. */
  readonly group: string;
  readonly kind: string;
}

/** gateway.networking.k8s.io/v1 GatewayClass. */
export interface GatewayClass extends KubernetesObject {
  readonly kind: "GatewayClass";
  readonly metadata: VersionedMeta;
  readonly controllerName: string;
  readonly hasParametersRef: boolean;
  readonly conditions: readonly Condition[];
}

/** gateway.networking.k8s.io/v1 Gateway. */
export interface Gateway extends KubernetesObject {
  readonly kind: "Gateway";
  readonly metadata: VersionedMeta;
  readonly gatewayClassName: string;
  readonly listeners: readonly GatewayListener[];
  /** Of `spec.addresses`. */
  readonly addresses: readonly GatewayAddress[];
  readonly unsupported: readonly string[];
  readonly status: GatewayStatus;
}

/** One address of a Gateway. */
export interface GatewayAddress {
  /** "IPAddress", "Hostname", or a name of some implementation's own. */
  readonly type: string;
  /** "" when any will do. */
  readonly value: string;
}

/** One listener of a Gateway. */
export interface GatewayListener {
  readonly name: string;
  /** In lower case, "a.b" or "*.b"; null: any. */
  readonly hostname: string | null;
  readonly port: number;
  /** "HTTP", "HTTPS", "TLS", "TCP", "UDP", or a name of some implementation's own. */
  readonly protocol: string;
  readonly tls: ListenerTls | null;
  readonly allowedRoutes: AllowedRoutes;
  readonly unsupported: readonly string[];
}

/** How a listener serves TLS. */
export interface ListenerTls {
  readonly mode: "Terminate" | "Passthrough";
  readonly certificateRefs: readonly ObjectRef[];
}

/** Which routes may attach to a listener. */
export interface AllowedRoutes {
  readonly from: "All" | "Same" | "Selector" | "None";
  /** Only with `from: "Selector"`; null: none is given, so no namespace matches. */
  readonly selector: LabelSelector | null;
  /** Empty: whatever fits the protocol. */
  readonly kinds: readonly GroupKind[];
}

/** meta/v1 LabelSelector: all of it must hold. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values: readonly string[];
  }[];
}

/** What a Gateway's status says at present. */
export interface GatewayStatus {
  readonly addresses: readonly GatewayAddress[];
  readonly conditions: readonly Condition[];
  readonly listeners: readonly GatewayListenerStatus[];
}

/** What a Gateway's status says of one listener. */
export interface GatewayListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly GroupKind[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

/** Another object, by name. */
export interface ObjectRef extends GroupKind {
  /** Null: the namespace of the object that refers. */
  readonly namespace: string | null;
  readonly name: string;
}

/** A parent of a route: a Gateway or one of its listeners, or (GAMMA) a Service. */
export interface ParentRef extends ObjectRef {
  readonly sectionName: string | null;
  readonly port: number | null;
}

/** gateway.networking.k8s.io/v1 GRPCRoute. */
export interface GRPCRoute extends KubernetesObject {
  readonly kind: "GRPCRoute";
  readonly metadata: VersionedMeta;
  readonly parentRefs: readonly ParentRef[];
  /** In lower case, "a.b" or "*.b"; empty: any. */
  readonly hostnames: readonly string[];
  readonly rules: readonly GRPCRouteRule[];
  readonly unsupported: readonly string[];
  readonly parents: readonly RouteParentStatus[];
}

/** One rule of a GRPCRoute. */
export interface GRPCRouteRule {
  readonly name: string | null;
  /** Never empty: one that matches every call stands for none. */
  readonly matches: readonly GRPCRouteMatch[];
  readonly filters: readonly GRPCRouteFilter[];
  readonly backendRefs: readonly GRPCBackendRef[];
  readonly unsupported: readonly string[];
}

/** All of it must hold. */
export interface GRPCRouteMatch {
  /** Null: any method. */
  readonly method: GRPCMethodMatch | null;
  readonly headers: readonly GRPCHeaderMatch[];
}

/** Which methods match. At least one of both is not null. */
export interface GRPCMethodMatch {
  readonly type: "Exact" | "RegularExpression";
  /** With its package: "foo.bar.Echo"; null: any. */
  readonly service: string | null;
  readonly method: string | null;
}

/** Which value a header must have. */
export interface GRPCHeaderMatch {
  readonly type: "Exact" | "RegularExpression";
  /** In lower case. */
  readonly name: string;
  readonly value: string;
}

/** What a rule, or one backend of it, does beside choosing a backend. */
export type GRPCRouteFilter =
  | {
      readonly type: "RequestHeaderModifier" | "ResponseHeaderModifier";
      /** Names in lower case. */
      readonly set: readonly (readonly [name: string, value: string])[];
      readonly add: readonly (readonly [name: string, value: string])[];
      readonly remove: readonly string[];
    }
  | {
      readonly type: "RequestMirror";
      readonly backend: BackendRef;
      /** Share of calls: `numerator` of `denominator`; `percent` is of 100. */
      readonly numerator: number;
      readonly denominator: number;
    }
  | { readonly type: "ExtensionRef"; readonly ref: ObjectRef };

/** A backend, by name. */
export interface BackendRef extends ObjectRef {
  /** Null: not given, which is wrong for a Service. */
  readonly port: number | null;
}

/** One of the backends of a rule. */
export interface GRPCBackendRef extends BackendRef {
  /** From 0 to 1,000,000. */
  readonly weight: number;
  readonly filters: readonly GRPCRouteFilter[];
}

/** What a route's status says of one parent at present. */
export interface RouteParentStatus {
  readonly parentRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

/** gateway.networking.k8s.io/v1beta1 ReferenceGrant. */
export interface ReferenceGrant extends KubernetesObject {
  readonly kind: "ReferenceGrant";
  readonly from: readonly (GroupKind & { readonly namespace: string })[];
  /** A name of null: all objects of the kind. */
  readonly to: readonly (GroupKind & { readonly name: string | null })[];
}

/** v1 Namespace, of which all labels are kept: selectors ask for any. */
export interface Namespace extends KubernetesObject {
  readonly kind: "Namespace";
}

/** v1 Secret, of which only a certificate and its key are kept. Never logged, never dumped. */
export interface Secret extends KubernetesObject {
  readonly kind: "Secret";
  /** PEM texts; null: there is none that can be used, `problem` says why. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /**
   * One clause that names fields and never says what is in them; null when nothing is wrong. Who
   * keeps the last good `tls` of a Secret has both.
   */
  readonly problem: string | null;
}
