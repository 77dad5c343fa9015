/**
 * The flags of `fairlead proxy --mode sidecar|node`, and what they exclude.
 */
import type { Command } from "commander";
import {
  CAPTURE_DEFAULTS,
  type CaptureBy,
  type CaptureConfig,
  type CaptureMode,
  type MeshProxyConfig,
  PROXY_DEFAULTS,
} from "../proxy/index.ts";
import { controlTls, type MeshOptions, type MeshOrigin } from "./mesh-options.ts";
import { frontConfig, type ProxyOptions } from "./proxy-options.ts";
import { oneOf, UsageError, valueOption, wholeNumber } from "./usage.ts";

/** As commander yields them. */
export interface CaptureOptions {
  readonly mode?: CaptureMode;
  readonly captureBy?: CaptureBy;
  readonly outboundPort?: number;
  /** 0: none. */
  readonly inboundPort?: number;
}

/** Ports that rules may send to. */
export const PORT_BOUNDS = { min: 1, max: 65_535 };

/** Adds the flags. */
export function addCaptureOptions(command: Command): void {
  const mode = "sidecar or node: relay captured connections; see fairlead capture-rules";
  const by = "redirect or tproxy, as the rules do (default: redirect)";
  const { outboundPort, inboundPort } = CAPTURE_DEFAULTS;
  const inbound = `where connections to this pod come; 0: not captured (default: ${inboundPort})`;
  command
    .addOption(valueOption("--mode <mode>", mode, oneOf<CaptureMode>(["sidecar", "node"])))
    .addOption(valueOption("--capture-by <way>", by, oneOf<CaptureBy>(["redirect", "tproxy"])))
    .addOption(
      valueOption(
        "--outbound-port <port>",
        `where captured connections come (default: ${outboundPort})`,
        wholeNumber(PORT_BOUNDS),
      ),
    )
    .addOption(
      valueOption("--inbound-port <port>", inbound, wholeNumber({ min: 0, max: PORT_BOUNDS.max })),
    );
}

/** Both run in the same hook, and the packet goes through it to the end. */
export const NO_NODE_TPROXY =
  "--mode node takes --capture-by redirect: what TPROXY takes, kube-proxy would still rewrite";

/** Flags that mean nothing where the original destination decides. */
const EXCLUDED = [
  ["listen", "--listen"],
  ["to", "--to"],
  ["gateway", "--gateway"],
  ["tlsCert", "--tls-cert"],
  ["tlsKey", "--tls-key"],
  ["tlsClientCa", "--tls-client-ca"],
  ["toTls", "--to-tls"],
  ["peers", "--peers"],
  ["workers", "--workers"],
] as const;

/** What is captured, what is done with it, and where its configuration comes from. */
export interface CapturePlan {
  readonly capture: CaptureConfig;
  readonly config: MeshProxyConfig;
  /** Null: the Services of Kubernetes objects. */
  readonly origin: MeshOrigin | null;
}

/**
 * What the flags make; null without `--mode`.
 * @throws UsageError for flags that do not go together.
 */
export function capturePlan(
  options: ProxyOptions & CaptureOptions & MeshOptions,
): CapturePlan | null {
  const { mode, captureBy, outboundPort, inboundPort } = options;
  if (mode === undefined) {
    const given = [
      ["--capture-by", captureBy],
      ["--outbound-port", outboundPort],
      ["--inbound-port", inboundPort],
    ].find(([, value]) => value !== undefined);
    if (given !== undefined)
      throw new UsageError(`${given[0]} needs --mode sidecar or --mode node`);
    return null;
  }
  if (mode === "node" && captureBy === "tproxy") throw new UsageError(NO_NODE_TPROXY);
  for (const [key, flag] of EXCLUDED) {
    if (options[key] === undefined) continue;
    throw new UsageError(
      `${flag} and --mode exclude each other: captured connections say where to`,
    );
  }
  const capture: CaptureConfig = {
    mode,
    by: captureBy ?? CAPTURE_DEFAULTS.by,
    outboundPort: outboundPort ?? CAPTURE_DEFAULTS.outboundPort,
    inboundPort: inboundPort === 0 ? null : (inboundPort ?? CAPTURE_DEFAULTS.inboundPort),
  };
  if (capture.outboundPort === capture.inboundPort) {
    throw new UsageError(`--outbound-port and --inbound-port must differ: ${capture.outboundPort}`);
  }
  const { control } = options;
  const origin: MeshOrigin | null =
    control === undefined
      ? null
      : {
          ...{ kind: "control", gateway: null, role: "sidecar" },
          server: { address: control, tls: controlTls(options) },
        };
  const config: MeshProxyConfig = {
    ...frontConfig(options),
    serves: control === undefined ? "Services" : `Services of ${control}`,
    places: [],
    policy: options.policy ?? options.serviceConfig ?? PROXY_DEFAULTS.policy,
    // Of a thousand Services a pod calls a few.
    isEager: false,
  };
  return { capture, config, origin };
}
