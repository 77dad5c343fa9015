/**
 * The two containers that a pod gets: one that makes the rules and ends, and the proxy as a native
 * sidecar (KEP-753: an init container that goes on), which is there before all that comes behind
 * it.
 */
import {
  type ControlTls,
  type InjectOptions,
  PROXY_CONTAINER,
  RULES_CONTAINER,
  TLS_VOLUME,
} from "./options.ts";

/** A container as Kubernetes has it, in plain JSON. */
export type Container = Readonly<Record<string, unknown>>;

/** A volume of a pod as Kubernetes has it. */
export type Volume = Readonly<Record<string, unknown>>;

/** In the order in which they are started. */
export function injectedContainers(options: InjectOptions): readonly Container[] {
  return [rulesContainer(options), proxyContainer(options)];
}

/** It may change rules of the pod's network, and nothing else: NET_ADMIN, NET_RAW. */
function rulesContainer(options: InjectOptions): Container {
  const { image, proxyUid, outboundPort, inboundPort, flavour } = options;
  const lists = [
    ["--skip-outbound-ports", options.skipOutboundPorts],
    ["--skip-inbound-ports", options.skipInboundPorts],
    ["--skip-cidrs", options.skipCidrs],
  ] as const;
  return {
    name: RULES_CONTAINER,
    image,
    args: [
      "capture-rules",
      "--mode=sidecar",
      `--flavour=${flavour}`,
      `--uid=${proxyUid}`,
      `--outbound-port=${outboundPort}`,
      `--inbound-port=${inboundPort ?? 0}`,
      ...lists.flatMap(([flag, list]) => (list.length === 0 ? [] : [`${flag}=${list.join(",")}`])),
      "--apply",
    ],
    resources: {
      requests: { cpu: "10m", memory: "64Mi" },
      limits: { memory: "128Mi" },
    },
    securityContext: {
      // Rules are root's to change; without these two capabilities it is nobody.
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
    },
  };
}

function proxyContainer(options: InjectOptions): Container {
  const { image, control, controlTls, proxyUid, outboundPort, inboundPort } = options;
  const { adminPort, logLevel } = options;
  return {
    name: PROXY_CONTAINER,
    image,
    restartPolicy: "Always",
    args: [
      "proxy",
      "--mode=sidecar",
      ...(control === null ? [] : [`--control=${control}`]),
      ...tlsArgs(controlTls),
      `--outbound-port=${outboundPort}`,
      `--inbound-port=${inboundPort ?? 0}`,
      `--admin=127.0.0.1:${adminPort}`,
      `--log-level=${logLevel}`,
    ],
    env: [
      { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ],
    ...(controlTls !== null && {
      volumeMounts: [{ name: TLS_VOLUME, mountPath: TLS_PATH, readOnly: true }],
    }),
    // What comes behind starts when Services are known. Asked from inside: the admin endpoint is
    // loopback's, since whoever reaches it may end the proxy.
    startupProbe: {
      exec: { command: ["node", "-e", readyQuestion(adminPort)] },
      periodSeconds: 1,
      timeoutSeconds: 5,
      failureThreshold: 60,
    },
    resources: {
      requests: { cpu: "100m", memory: "128Mi" },
      limits: { memory: "512Mi" },
    },
    securityContext: {
      runAsUser: proxyUid,
      runAsGroup: proxyUid,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/** Where the files are mounted. */
const TLS_PATH = "/var/run/fairlead/control-tls";

function tlsArgs(tls: ControlTls | null): string[] {
  if (tls === null) return [];
  const isShown = tls.certSecret !== null;
  return [
    `--control-ca=${TLS_PATH}/ca.crt`,
    ...(isShown ? [`--control-cert=${TLS_PATH}/tls.crt`] : []),
    ...(isShown ? [`--control-key=${TLS_PATH}/tls.key`] : []),
  ];
}

/** The volumes that the containers mount. */
export function injectedVolumes({ controlTls }: InjectOptions): readonly Volume[] {
  if (controlTls === null) return [];
  const { ca, certSecret } = controlTls;
  const items = (...keys: string[]) => keys.map((key) => ({ key, path: key }));
  const source =
    ca.kind === "secret"
      ? { secret: { name: ca.name, items: items("ca.crt") } }
      : { configMap: { name: ca.name, items: items("ca.crt") } };
  const shown = { secret: { name: certSecret, items: items("tls.crt", "tls.key") } };
  return [
    {
      name: TLS_VOLUME,
      projected: { sources: certSecret === null ? [source] : [source, shown] },
    },
  ];
}

function readyQuestion(port: number): string {
  const url = `http://127.0.0.1:${port}/ready`;
  return `fetch("${url}").then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))`;
}
