/**
 * Who chooses the pod of a call in a lane, and how the lab hears of it: what a lane hands over with
 * its `Dial`.
 */
import type { ClusterIpBy } from "../view.ts";

/** A process of fairlead that chooses. */
export interface Chooses {
  /** "fairlead proxy", "proxy-1" */
  readonly name: string;
  /** ip:port of its admin endpoint. */
  readonly admin: string;
}

/** A connection that a Service has given to a pod. */
export interface GivenTo {
  /** ip:port of the client. */
  readonly from: string;
  readonly pod: string;
}

/** Who chooses. */
export type Chooser =
  /** A Service, once for each connection; the client knows one address. */
  | {
      readonly by: "service";
      /** Who stands for kube-proxy. */
      readonly clusterIpBy: ClusterIpBy;
      /** Whether the client opens further connections while it has one (HTTP/1.1). */
      readonly opensMore: boolean;
      /** The connections that lead to pods. Rejects with `LabError`. */
      carried(): Promise<readonly GivenTo[]>;
    }
  /** The stock client, round_robin over the addresses that it was told. */
  | { readonly by: "list"; readonly from: "dns" | "static" | "xds" }
  /** Fairlead's channel in the client. */
  | { readonly by: "channel" }
  /** Proxies of fairlead, for each call. */
  | { readonly by: "proxies"; all(): readonly Chooses[] }
  /** Envoy: ip:port of its admin endpoint. */
  | { readonly by: "envoy"; readonly admin: string }
  /** Somebody who does not tell: "nginx". */
  | {
      readonly by: "other";
      readonly who: string;
      /** ip:port of the pods in its configuration, where it has one. */
      readonly listed?: () => readonly string[];
    };
