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

/** Where the files are that TLS to a control plane needs: of the pod's own namespace. */
export interface ControlTls {
  /** The Secret or ConfigMap with the CA, key `ca.crt`. */
  readonly ca: { readonly kind: "secret" | "configmap"; readonly name: string };
  /** A Secret of type kubernetes.io/tls with the certificate to show; null: none is shown. */
  readonly certSecret: string | null;
}

/** Name of the volume with the files of `ControlTls`. */
export const TLS_VOLUME = "fairlead-control-tls";

/** How pods are injected. */
export interface InjectOptions {
  readonly image: string;
  /** "HOST:PORT" of a control plane; null: the proxy reads Kubernetes objects by itself. */
  readonly control: string | null;
  /** TLS to that control plane; null: plaintext. */
  readonly controlTls: ControlTls | null;
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
  controlTls: null,
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
