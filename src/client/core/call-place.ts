/** Where a channel's calls go: one cluster, or the clusters that routes name. */
import type { ClusterCall, ClusterView, Connectivity } from "../../cluster/index.ts";
import type { MethodConfig, MethodConfigs, Status } from "../../grpc/index.ts";
import type { HeaderList } from "../../http2/index.ts";
import type { ClientCall } from "./call.ts";

/** What a `ClientCall` needs of the call that it goes out on. */
export type WireCall = Pick<
  ClusterCall,
  | "start"
  | "sendData"
  | "cancel"
  | "credit"
  | "reconfigure"
  | "subchannel"
  | "address"
  | "socket"
  | "waitForReady"
>;

/** A call that is not made. */
export interface Refusal {
  readonly status: Status;
  /** One clause. */
  readonly reason: string;
  /**
   * Whether a call that waits for ready does so: in gRPC the channel is in TRANSIENT_FAILURE then.
   * What routes say of a call holds for those as well.
   */
  readonly isPassing: boolean;
}

/** What a channel hears of where its calls go. */
export interface ClusterUser {
  onConnectivity(state: Connectivity): void;
  /** What the resolver's service config says of methods; null: it has none. */
  onMethodConfigs(methods: MethodConfigs | null): void;
}

/** One call that is to be made. */
export interface PlacedRequest {
  readonly list: HeaderList;
  readonly call: ClientCall;
  readonly deadlineMs: number;
  readonly nowMs: number;
  readonly waitForReady: boolean;
  /** Of its method. */
  readonly config: MethodConfig;
}

/** See the head of this file. Channels of the same settings share one. */
export interface CallPlace {
  /** The state of its connections; IDLE while there is no need for any. */
  readonly connectivity: Connectivity;
  /** A call, not started. Begins to resolve and connect when it was idle. */
  call(request: PlacedRequest): WireCall | Refusal;
  /** Begins to connect without a call. */
  connect(): void;
  join(user: ClusterUser): void;
  /** The last one ends it: calls in flight finish, waiting ones fail. */
  leave(user: ClusterUser): void;
  /** What is behind it; null while it is idle. */
  view(): ClusterView | null;
}
