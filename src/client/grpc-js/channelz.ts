/**
 * The channel's place in grpc-js' channelz: its state and its calls, beside stock channels.
 * gRFC A14.
 *
 * The registry is not exported by grpc-js' own door; where a version of it has none at this place,
 * the reference names the channel and leads nowhere.
 */
import { createRequire } from "node:module";
import type { ChannelInterface, connectivityState } from "@grpc/grpc-js";

/** As `Channel.getChannelzRef` returns it. */
export type ChannelRef = ReturnType<ChannelInterface["getChannelzRef"]>;

/** Figures of a channel. */
export interface ChannelzCalls {
  callsStarted: number;
  callsSucceeded: number;
  callsFailed: number;
  lastCallStartedTimestamp: Date | number | null;
}

interface ChannelzModule {
  readonly ChannelzTrace: new () => unknown;
  readonly ChannelzChildrenTracker: new () => { getChildLists(): unknown };
  registerChannelzChannel(name: string, getInfo: () => unknown, isEnabled: boolean): ChannelRef;
  unregisterChannelzRef(ref: ChannelRef): void;
}

function load(): ChannelzModule | null {
  try {
    const require = createRequire(import.meta.url);
    return require("@grpc/grpc-js/build/src/channelz") as ChannelzModule;
  } catch {
    return null;
  }
}

let loaded: ChannelzModule | null | undefined;

/** One channel in the registry. */
export class ChannelzEntry {
  readonly ref: ChannelRef;
  readonly #module: ChannelzModule | null;

  constructor(
    target: string,
    isEnabled: boolean,
    calls: ChannelzCalls,
    state: () => connectivityState,
  ) {
    loaded = loaded === undefined ? load() : loaded;
    this.#module = loaded;
    if (loaded === null) {
      this.ref = { kind: "channel", id: 0, name: target } as unknown as ChannelRef;
      return;
    }
    const trace = new loaded.ChannelzTrace();
    const children = new loaded.ChannelzChildrenTracker();
    const info = () => ({
      ...{ target, trace, callTracker: calls },
      state: state(),
      children: children.getChildLists(),
    });
    this.ref = loaded.registerChannelzChannel(target, info, isEnabled);
  }

  /** Out of the registry. */
  remove(): void {
    this.#module?.unregisterChannelzRef(this.ref);
  }
}
