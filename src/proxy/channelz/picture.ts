/**
 * The state of a proxy in channelz' words: views of clusters and client connections become
 * channels, subchannels, sockets and one server.
 *
 * What views do not know is left out, except that a socket always has two addresses, because
 * grpcdebug ends at one without: the local end of a connection to an endpoint is 0.0.0.0:0.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ClusterView, EndpointState, EndpointView } from "../../cluster/index.ts";
import {
  type Channel,
  ChannelConnectivityState_State,
  type ChannelDataSchema,
  ChannelSchema,
  type Server,
  ServerSchema,
  type Socket,
  SocketSchema,
  type Subchannel,
  SubchannelSchema,
} from "../../xds/index.ts";
import type { ConnectionsView, ConnectionView } from "../nesting/index.ts";
import { addressOf } from "./address.ts";
import type { Ids } from "./ids.ts";

/** What a picture is made of. */
export interface PictureParts {
  readonly clusters: readonly ClusterView[];
  readonly connections: ConnectionsView;
  /** Where the proxy listens. */
  readonly listeners: readonly string[];
  /** Calls that clients have started since the process began. */
  readonly callsStarted: number;
}

/** Everything by id, in the order of the ids. */
export interface Picture {
  readonly channels: ReadonlyMap<bigint, Channel>;
  readonly subchannels: ReadonlyMap<bigint, Subchannel>;
  readonly sockets: ReadonlyMap<bigint, Socket>;
  readonly servers: ReadonlyMap<bigint, Server>;
  /** Ids of the sockets of the one server's clients. */
  readonly clientSockets: readonly bigint[];
}

const UNKNOWN_END = "0.0.0.0:0";

const STATES: Readonly<Record<EndpointState, ChannelConnectivityState_State>> = {
  IDLE: ChannelConnectivityState_State.IDLE,
  CONNECTING: ChannelConnectivityState_State.CONNECTING,
  READY: ChannelConnectivityState_State.READY,
  TRANSIENT_FAILURE: ChannelConnectivityState_State.TRANSIENT_FAILURE,
  EJECTED: ChannelConnectivityState_State.TRANSIENT_FAILURE,
  UNHEALTHY: ChannelConnectivityState_State.TRANSIENT_FAILURE,
  DRAINING: ChannelConnectivityState_State.SHUTDOWN,
};

/** Of a channel the first of these that one of its endpoints is in. */
const CHANNEL_STATES: readonly EndpointState[] = ["READY", "CONNECTING", "IDLE"];

/** Makes a picture; ids of what is no longer there are forgotten. */
export function takePicture(parts: PictureParts, ids: Ids): Picture {
  const picture = {
    channels: new Map<bigint, Channel>(),
    subchannels: new Map<bigint, Subchannel>(),
    sockets: new Map<bigint, Socket>(),
    servers: new Map<bigint, Server>(),
  };
  for (const cluster of parts.clusters) addChannel(picture, cluster, ids);
  const clientSockets = parts.connections.connections.map((connection) => {
    const id = ids.of(`client ${connection.worker} ${connection.id}`);
    picture.sockets.set(id, clientSocket(id, connection, parts.listeners));
    return id;
  });
  addServer(picture, parts, ids);
  ids.sweep();
  return {
    channels: sorted(picture.channels),
    subchannels: sorted(picture.subchannels),
    sockets: sorted(picture.sockets),
    servers: picture.servers,
    clientSockets: clientSockets.sort((a, b) => Number(a - b)),
  };
}

function sorted<T>(map: ReadonlyMap<bigint, T>): ReadonlyMap<bigint, T> {
  return new Map([...map].sort(([a], [b]) => Number(a - b)));
}

/** The maps while they are filled. */
interface Maps {
  readonly channels: Map<bigint, Channel>;
  readonly subchannels: Map<bigint, Subchannel>;
  readonly sockets: Map<bigint, Socket>;
  readonly servers: Map<bigint, Server>;
}

function addChannel(maps: Maps, cluster: ClusterView, ids: Ids): void {
  const channelId = ids.of(`channel ${cluster.target}`);
  const subchannelRef = cluster.endpoints.map((endpoint) => {
    const subchannelId = ids.of(`subchannel ${channelId} ${endpoint.address} ${endpoint.uid}`);
    addSubchannel(maps, subchannelId, endpoint, ids);
    return { subchannelId, name: endpoint.pod ?? endpoint.address };
  });
  const state = CHANNEL_STATES.find((one) => cluster.endpoints.some((e) => e.state === one));
  const sum = (of: (endpoint: EndpointView) => number): number =>
    cluster.endpoints.reduce((total, endpoint) => total + of(endpoint), 0);
  const data = figures(
    cluster.target,
    STATES[state ?? "TRANSIENT_FAILURE"],
    sum(({ calls }) => calls),
    sum(({ failures }) => failures),
    sum(({ activeCalls }) => activeCalls),
  );
  const ref = { channelId, name: cluster.target };
  maps.channels.set(channelId, create(ChannelSchema, { ref, data, subchannelRef }));
}

function addSubchannel(maps: Maps, subchannelId: bigint, endpoint: EndpointView, ids: Ids): void {
  const { address, pod, state, calls, failures, activeCalls, connections } = endpoint;
  const socketRef = Array.from({ length: connections }, (_, index) => {
    const socketId = ids.of(`socket ${subchannelId} ${index}`);
    // With one connection its figures are the endpoint's; of several, no view tells them apart.
    const data = connections === 1 ? streams(calls, failures, activeCalls) : {};
    const ends = { local: addressOf(UNKNOWN_END), remote: addressOf(address) };
    const remoteName = pod ?? "";
    maps.sockets.set(
      socketId,
      create(SocketSchema, { ref: { socketId, name: address }, data, ...ends, remoteName }),
    );
    return { socketId, name: address };
  });
  const data = figures(address, STATES[state], calls, failures, activeCalls);
  const ref = { subchannelId, name: pod ?? address };
  maps.subchannels.set(subchannelId, create(SubchannelSchema, { ref, data, socketRef }));
}

function addServer(maps: Maps, { listeners, callsStarted }: PictureParts, ids: Ids): void {
  const serverId = ids.of("server");
  const listenSocket = listeners.map((address) => {
    const socketId = ids.of(`listen ${address}`);
    const local = addressOf(address);
    const ref = { socketId, name: address };
    maps.sockets.set(socketId, create(SocketSchema, { ref, local, data: {} }));
    return ref;
  });
  const data = { callsStarted: BigInt(callsStarted) };
  const ref = { serverId, name: "fairlead proxy" };
  maps.servers.set(serverId, create(ServerSchema, { ref, data, listenSocket }));
}

function clientSocket(
  socketId: bigint,
  connection: ConnectionView,
  listeners: readonly string[],
): Socket {
  const { remote, calls } = connection;
  // With several listeners no view tells which of them it came to.
  const local = listeners.length === 1 ? listeners[0]! : UNKNOWN_END;
  return create(SocketSchema, {
    ref: { socketId, name: remote },
    local: addressOf(local),
    remote: addressOf(remote),
    data: { streamsStarted: BigInt(calls) },
  });
}

function figures(
  target: string,
  state: ChannelConnectivityState_State,
  calls: number,
  failures: number,
  active: number,
): MessageInitShape<typeof ChannelDataSchema> {
  return {
    target,
    state: { state },
    callsStarted: BigInt(calls),
    callsFailed: BigInt(failures),
    callsSucceeded: BigInt(Math.max(0, calls - failures - active)),
  };
}

function streams(calls: number, failures: number, active: number) {
  return {
    streamsStarted: BigInt(calls),
    streamsFailed: BigInt(failures),
    streamsSucceeded: BigInt(Math.max(0, calls - failures - active)),
  };
}
