/**
 * The subchannels of stock grpc-js in this process, as its channelz has them (gRFC A14): its own
 * handlers, called here without a server.
 */
import * as grpc from "@grpc/grpc-js";
import type { SubchannelSeen } from "../why/messages.ts";

/** Those of all channels. */
export function subchannels(): readonly SubchannelSeen[] {
  const { GetTopChannels, GetSubchannel } = grpc.getChannelzHandlers();
  const top = asked<{ channel?: readonly Channel[] }>(GetTopChannels, { start_channel_id: 0 });
  const refs = (top.channel ?? []).flatMap((channel) => channel.subchannel_ref ?? []);
  const ids = new Set(refs.map((ref) => Number(ref.subchannel_id)));
  return [...ids].flatMap((id) => {
    const found = asked<{ subchannel?: { data?: Data } }>(GetSubchannel, { subchannel_id: id });
    return found.subchannel?.data ? [seen(found.subchannel.data)] : [];
  });
}

interface Channel {
  readonly subchannel_ref?: readonly { readonly subchannel_id?: unknown }[];
}

/** What grpc-js makes of a subchannel before it is encoded: numbers are still numbers. */
interface Data {
  readonly target?: string;
  readonly state?: { readonly state?: string | number } | null;
  readonly calls_started?: unknown;
  readonly calls_succeeded?: unknown;
  readonly calls_failed?: unknown;
}

function seen(data: Data): SubchannelSeen {
  return {
    address: data.target ?? "",
    state: String(data.state?.state ?? "UNKNOWN"),
    started: Number(data.calls_started ?? 0),
    succeeded: Number(data.calls_succeeded ?? 0),
    failed: Number(data.calls_failed ?? 0),
  };
}

/** These handlers answer at once; for what has gone meanwhile, with nothing. */
function asked<T extends object>(handler: unknown, request: object): T {
  let answer: unknown = null;
  const take = (_error: unknown, value: unknown): void => {
    answer = value;
  };
  (handler as (call: object, callback: typeof take) => void)({ request }, take);
  return (answer ?? {}) as T;
}
