/**
 * What an injected pod is told, and the names by which what was injected is known again.
 */

/** Annotation of a pod (or its template): `enabled` or `disabled`; and label of a namespace. */
export const INJECT_KEY = "fairlead.dev/inject";
/** Annotation of an injected pod: what was injected, and what has to go with it. */
export const STATUS_KEY = "fairlead.dev/status";
/** Name of the container that makes the rules. */
export const RULES_CONTAINER = "fairlead-init";
/** Name of the sidecar. */
export const PROXY_CONTAINER = "fairlead-proxy";

/** How pods are injected. */
export interface InjectOptions {
  readonly image: string;
  /** "HOST:PORT" of a control plane; null: the proxy reads Kubernetes objects by itself. */
  readonly control: string | null;
  /** The user that the proxy runs as, whose connections are not captured. */
  readonly proxyUid: number;
  readonly outboundPort: number;
  /** Null: connections to the pod are not captured. */
  readonly inboundPort: number | null;
  /** Of the admin endpoint, on loopback: it has no password. */
  readonly adminPort: number;
  readonly flavour: "nftables" | "iptables";
  readonly skipOutboundPorts: readonly string[];
  readonly skipInboundPorts: readonly string[];
  readonly skipCidrs: readonly string[];
  readonly logLevel: string;
}

/** What holds where nothing else is said. */
export const INJECT_DEFAULTS: InjectOptions = Object.freeze({
  image: "registry.example/fairlead:0.1.0",
  control: null,
  proxyUid: 15_001,
  outboundPort: 15_001,
  inboundPort: 15_006,
  adminPort: 15_000,
  flavour: "nftables",
  skipOutboundPorts: [],
  skipInboundPorts: [],
  skipCidrs: [],
  logLevel: "info",
});
