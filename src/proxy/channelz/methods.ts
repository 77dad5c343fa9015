/**
 * The methods of `grpc.channelz.v1.Channelz`: requests and answers as bytes, pictures behind them.
 *
 * grpcdebug asks for one subchannel after the other, so a picture is kept for a moment: with many
 * endpoints each question would else make all of it anew.
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Clock } from "../../base/index.ts";
import { Status } from "../../grpc/index.ts";
import { CallRefusal, type GrpcMethod, unaryMethod } from "../../server/index.ts";
import {
  GetChannelRequestSchema,
  GetChannelResponseSchema,
  GetServerRequestSchema,
  GetServerResponseSchema,
  GetServerSocketsRequestSchema,
  GetServerSocketsResponseSchema,
  GetServersRequestSchema,
  GetServersResponseSchema,
  GetSocketRequestSchema,
  GetSocketResponseSchema,
  GetSubchannelRequestSchema,
  GetSubchannelResponseSchema,
  GetTopChannelsRequestSchema,
  GetTopChannelsResponseSchema,
} from "../../xds/index.ts";
import type { AdminSource } from "../admin/index.ts";
import { Ids } from "./ids.ts";
import { type Picture, takePicture } from "./picture.ts";

/** Entries of one answer, whatever `max_results` says; the rest is had from `start_id` on. */
export const CHANNELZ_RESULTS_MAX = 1000;
/** Requests are ids. */
export const CHANNELZ_REQUEST_BYTES_MAX = 1024;
/** How long a picture serves further questions. */
const PICTURE_AGE_MS_MAX = 100;

/** What is asked of the proxy. */
type ChannelzSource = Pick<AdminSource, "clusters" | "connections" | "metrics" | "listeners">;

/** All methods of the service. */
export function channelzMethods(source: ChannelzSource, clock: Clock): readonly GrpcMethod[] {
  const pictures = new Pictures(source, clock);
  return [...listing(pictures), ...looking(pictures)];
}

/** The methods that yield pages. */
function listing(pictures: Pictures): readonly GrpcMethod[] {
  return [
    method(
      pictures,
      "GetTopChannels",
      GetTopChannelsRequestSchema,
      GetTopChannelsResponseSchema,
      ({ channels }, { startChannelId, maxResults }) => {
        const { page, end } = paged([...channels], startChannelId, maxResults);
        return { channel: page.map(([, channel]) => channel), end };
      },
    ),
    method(
      pictures,
      "GetServers",
      GetServersRequestSchema,
      GetServersResponseSchema,
      ({ servers }, { startServerId, maxResults }) => {
        const { page, end } = paged([...servers], startServerId, maxResults);
        return { server: page.map(([, server]) => server), end };
      },
    ),
    method(
      pictures,
      "GetServerSockets",
      GetServerSocketsRequestSchema,
      GetServerSocketsResponseSchema,
      ({ servers, sockets, clientSockets }, { serverId, startSocketId, maxResults }) => {
        found(servers, serverId, "server");
        const all = clientSockets.map((id) => [id, sockets.get(id)!] as const);
        const { page, end } = paged(all, startSocketId, maxResults);
        return { socketRef: page.map(([, { ref }]) => ref!), end };
      },
    ),
  ];
}

/** The methods that yield one thing by its id. */
function looking(pictures: Pictures): readonly GrpcMethod[] {
  return [
    method(
      pictures,
      "GetServer",
      GetServerRequestSchema,
      GetServerResponseSchema,
      ({ servers }, { serverId }) => ({ server: found(servers, serverId, "server") }),
    ),
    method(
      pictures,
      "GetChannel",
      GetChannelRequestSchema,
      GetChannelResponseSchema,
      ({ channels }, { channelId }) => ({ channel: found(channels, channelId, "channel") }),
    ),
    method(
      pictures,
      "GetSubchannel",
      GetSubchannelRequestSchema,
      GetSubchannelResponseSchema,
      ({ subchannels }, { subchannelId }) => ({
        subchannel: found(subchannels, subchannelId, "subchannel"),
      }),
    ),
    method(
      pictures,
      "GetSocket",
      GetSocketRequestSchema,
      GetSocketResponseSchema,
      ({ sockets }, { socketId }) => ({ socket: found(sockets, socketId, "socket") }),
    ),
  ];
}

/** Takes pictures, and keeps the last one for a moment. */
class Pictures {
  readonly #source: ChannelzSource;
  readonly #clock: Clock;
  readonly #ids = new Ids();
  #last: { readonly atMs: number; readonly picture: Promise<Picture> } | null = null;

  constructor(source: ChannelzSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  get(): Promise<Picture> {
    const atMs = this.#clock.nowMs();
    if (this.#last !== null && atMs - this.#last.atMs < PICTURE_AGE_MS_MAX) {
      return this.#last.picture;
    }
    const picture = this.#take();
    this.#last = { atMs, picture };
    return picture;
  }

  async #take(): Promise<Picture> {
    const source = this.#source;
    const [clusters, connections, { families }, bound] = await Promise.all([
      source.clusters(),
      source.connections(),
      source.metrics(),
      source.listeners(),
    ]);
    const listeners = bound.flatMap(({ address }) => (address === null ? [] : [address]));
    const calls = families.find(({ name }) => name === "fairlead_downstream_calls_total");
    const callsStarted = calls?.series.reduce((sum, { value }) => sum + value, 0) ?? 0;
    const parts = { clusters, connections, listeners, callsStarted };
    return takePicture(parts, this.#ids);
  }
}

function method<Request extends DescMessage, Answer extends DescMessage>(
  pictures: Pictures,
  name: string,
  request: Request,
  answer: Answer,
  tell: (picture: Picture, request: MessageShape<Request>) => MessageInitShape<Answer>,
): GrpcMethod {
  const path = `/grpc.channelz.v1.Channelz/${name}`;
  return unaryMethod(path, CHANNELZ_REQUEST_BYTES_MAX, async (bytes) => {
    const asked = parsed(request, bytes);
    return toBinary(answer, create(answer, tell(await pictures.get(), asked)));
  });
}

function parsed<Request extends DescMessage>(
  schema: Request,
  bytes: Uint8Array,
): MessageShape<Request> {
  try {
    return fromBinary(schema, bytes);
  } catch {
    throw new CallRefusal(Status.INVALID_ARGUMENT, `the request is no ${schema.typeName}`);
  }
}

function found<T>(all: ReadonlyMap<bigint, T>, id: bigint, kind: string): T {
  const one = all.get(id);
  if (one === undefined) throw new CallRefusal(Status.NOT_FOUND, `there is no ${kind} ${id}`);
  return one;
}

/** Entries from `startId` on, at most `maxResults` (0: the bound); whether these are the last. */
function paged<T>(
  all: readonly (readonly [id: bigint, value: T])[],
  startId: bigint,
  maxResults: bigint,
): { readonly page: readonly (readonly [bigint, T])[]; readonly end: boolean } {
  const wanted = maxResults <= 0n ? CHANNELZ_RESULTS_MAX : Number(maxResults);
  const rest = all.filter(([id]) => id >= startId);
  const page = rest.slice(0, Math.min(wanted, CHANNELZ_RESULTS_MAX));
  return { page, end: page.length === rest.length };
}
