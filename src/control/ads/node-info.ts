/**
 * Who a node is, from the Node message of its first request.
 *
 * `node.metadata` of ours wins (`fairlead.kind`, `fairlead.gateway`, `fairlead.namespace`,
 * `fairlead.node`, `fairlead.listen-host`). Without a kind, who names a Gateway is one; of the
 * others Envoy is taken for a sidecar and everything else for a gRPC client.
 */
import { visible } from "../../base/index.ts";
import type { Node } from "../../xds/index.ts";
import type { NodeInfo, NodeKind } from "../resources.ts";
import { SHOWN_CHARS_MAX } from "./limits.ts";

const KINDS: readonly string[] = ["grpc", "gateway", "sidecar"] satisfies NodeKind[];

/** The node, or why its words are refused: one clause. */
export function readNode(node: Node | undefined): NodeInfo | string {
  const id = shown(node?.id ?? "");
  const metadata = (node?.metadata ?? {}) as Readonly<Record<string, unknown>>;
  const text = (key: string): string => {
    const value = metadata[`fairlead.${key}`];
    return typeof value === "string" ? shown(value) : "";
  };
  const agentName = node?.userAgentName ?? "";
  const agent = agentName === "envoy" || agentName === "fairlead" ? agentName : "grpc";
  const gateway = text("gateway");
  const kind = text("kind") || kindWithout(gateway, agent);
  if (!KINDS.includes(kind)) {
    return `node.metadata fairlead.kind ${JSON.stringify(kind)}: must be ${KINDS.join(", ")}`;
  }
  if (kind === "gateway" && !/^[^/]+\/[^/]+$/.test(gateway)) {
    const given = JSON.stringify(gateway);
    return `node.metadata fairlead.gateway ${given}: must be NAMESPACE/NAME of a Gateway`;
  }
  const listenHost = text("listen-host");
  return {
    id,
    kind: kind as NodeKind,
    agent,
    userAgent: shown([agentName, versionOf(node)].filter((part) => part !== "").join(" ")),
    gateway: kind === "gateway" ? gateway : null,
    namespace: text("namespace"),
    nodeName: text("node") || null,
    zone: shown(node?.locality?.zone ?? "") || null,
    ...(listenHost === "" ? {} : { listenHost }),
  };
}

function kindWithout(gateway: string, agent: NodeInfo["agent"]): NodeKind {
  if (gateway !== "") return "gateway";
  return agent === "envoy" ? "sidecar" : "grpc";
}

function versionOf(node: Node | undefined): string {
  const version = node?.userAgentVersionType;
  if (version?.case === "userAgentVersion") return version.value;
  if (version?.case !== "userAgentBuildVersion") return "";
  const number = version.value.version;
  return number === undefined ? "" : `${number.majorNumber}.${number.minorNumber}.${number.patch}`;
}

/** What a peer wrote, for logs and tables. */
export function shown(text: string): string {
  return visible(text, SHOWN_CHARS_MAX);
}
