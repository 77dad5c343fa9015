/**
 * All that is known about the choices of one lane at one moment; what rows and stories are made of.
 */
import type { ReplicaView } from "../view.ts";
import type { Chooser, GivenTo } from "./chooser.ts";
import type { EnvoyHost } from "./envoy.ts";
import type { KnownMessage } from "./messages.ts";
import type { PodFact } from "./pod-facts.ts";
import type { View } from "./view-rows.ts";

/** What the client of a lane knows. */
export type Known = Omit<KnownMessage, "type" | "id">;

/** A connection of the client, and the pod that a Service has given it to. */
export interface CarriedTo extends GivenTo {
  /** Wall clock of its being connected. */
  readonly sinceMs: number;
}

/** One lane at one moment. */
export interface Evidence {
  readonly chooser: Chooser;
  readonly pods: readonly PodFact[];
  /** Calls by the pod that answered, since the number of pods last changed; of the pods of now. */
  readonly answered: Readonly<Record<string, number>>;
  /** Their number did change. */
  readonly hasChanged: boolean;
  /** Since the start, and of all pods. */
  readonly answeredInAll: Readonly<Record<string, number>>;
  /** Wall clock of the answer. */
  readonly wallMs: number;
  readonly known: Known;
  /** Of fairlead's channel or proxies. */
  readonly views: readonly View[];
  /** Of this client, behind the ClusterIP. */
  readonly carried: readonly CarriedTo[];
  readonly hosts: readonly EnvoyHost[];
  /** Of a lane that may have several proxies. */
  readonly replicas: readonly ReplicaView[];
}
