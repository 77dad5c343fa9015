/**
 * The channels of a caller: stock grpc-js, fairlead's channel under grpc-js, and fairlead's plain
 * API, each of which runs a planned call to its end.
 */
import * as grpc from "@grpc/grpc-js";
import { clientProcess } from "../../../src/client/core/index.ts";
import { viewOf } from "../../../src/client/grpc-js/public.ts";
import { channelFactory } from "../../../src/client/index.ts";
import { type Channel, createChannel, GrpcError } from "../../../src/client/plain/public.ts";
import type { ClusterView } from "../../../src/cluster/index.ts";
import { overloadFigures } from "../../../src/http2/index.ts";
import { AttemptCounts } from "../attempts.ts";
import { ECHO, KEY } from "../echo.ts";
import type { CallerFigures, CallerPlan, CallPlan, Outcome } from "../plan.ts";

/** What a caller needs of a channel. */
export interface CallerChannel {
  run(call: CallPlan): Promise<Outcome>;
  /** Reads its own counts. */
  look(): void;
  /** Closes it, and says what it was and what is left. */
  close(): Promise<CallerFigures>;
}

/** Opens the channel of a plan. */
export async function dial(plan: CallerPlan): Promise<CallerChannel> {
  return plan.channel === "plain" ? new PlainCaller(plan) : new GrpcJsCaller(plan);
}

/** A metric of this process's fairlead channels, summed over its series. */
function metric(name: string): number {
  const family = clientProcess()
    .snapshot()
    .families.find((each) => each.name === name);
  let sum = 0;
  for (const series of family?.series ?? []) if ("value" in series) sum += Number(series.value);
  return sum;
}

/** How long connections may take to close behind a channel. */
const CLOSING_MS = 5_000;

/** Counts of a fairlead channel, and its end. */
class OwnFigures {
  readonly #counts = new AttemptCounts();
  readonly #view: () => ClusterView | null;

  constructor(view: () => ClusterView | null) {
    this.#view = view;
  }

  look(): void {
    this.#counts.look(this.#view()?.endpoints ?? []);
  }

  async close(close: () => void): Promise<CallerFigures> {
    this.#counts.look(this.#view()?.endpoints ?? []);
    const replays = metric("fairlead_transparent_replays_total");
    close();
    const untilMs = Date.now() + CLOSING_MS;
    while (Object.keys(this.#left()).length > 0 && Date.now() < untilMs) {
      await new Promise((done) => setTimeout(done, 20));
    }
    return { attempts: this.#counts.counts, replays, left: this.#left() };
  }

  #left(): Record<string, number> {
    const all = {
      "metric series": clientProcess()
        .snapshot()
        .families.flatMap(({ series }) => series).length,
      "buffered bytes": overloadFigures().bufferedBytes,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== 0));
  }
}

/** Stubs of grpc-js on either channel. */
class GrpcJsCaller implements CallerChannel {
  readonly #client: grpc.Client;
  readonly #figures: OwnFigures | null;

  constructor({ target, serviceConfig, kubeconfig, channel }: CallerPlan) {
    const factory = (): grpc.ClientOptions => ({
      channelFactoryOverride: channelFactory(grpc, { kubernetes: { kubeconfig } }),
    });
    this.#client = new grpc.Client(target, grpc.credentials.createInsecure(), {
      ...(channel === "fairlead" ? factory() : {}),
      ...(serviceConfig === "" ? {} : { "grpc.service_config": serviceConfig }),
    });
    this.#figures = channel === "fairlead" ? new OwnFigures(() => viewOf(this.#client)) : null;
  }

  look(): void {
    this.#figures?.look();
  }

  async close(): Promise<CallerFigures> {
    const close = (): void => this.#client.close();
    if (this.#figures !== null) return this.#figures.close(close);
    close();
    return { attempts: {}, replays: 0, left: {} };
  }

  async run(plan: CallPlan): Promise<Outcome> {
    const metadata = new grpc.Metadata();
    metadata.set(KEY.id, plan.id);
    metadata.set(KEY.sleepMs, String(plan.lastsMs));
    const options = { deadline: Date.now() + plan.deadlineMs };
    const call =
      plan.kind === "unary"
        ? this.#say(plan, metadata, options)
        : this.#chat(plan, metadata, options);
    let pod: string | null = null;
    call.on("metadata", (header: grpc.Metadata) => {
      pod = String(header.get(KEY.pod)[0]);
    });
    let isCancelled = false;
    const cancel = (): void => {
      isCancelled = true;
      call.cancel();
    };
    const timer = plan.cancelAfterMs === null ? null : setTimeout(cancel, plan.cancelAfterMs);
    const status = await new Promise<grpc.StatusObject>((done) => call.on("status", done));
    if (timer !== null) clearTimeout(timer);
    return { code: status.code, details: status.details, pod, isCancelled };
  }

  #say(plan: CallPlan, metadata: grpc.Metadata, options: grpc.CallOptions) {
    const { path, requestSerialize, responseDeserialize } = ECHO.say;
    const message = Buffer.alloc(plan.bytes, 1);
    return this.#client.makeUnaryRequest(
      ...([path, requestSerialize, responseDeserialize] as const),
      ...([message, metadata, options, () => {}] as const),
    );
  }

  #chat(plan: CallPlan, metadata: grpc.Metadata, options: grpc.CallOptions) {
    const { path, requestSerialize, responseDeserialize } = ECHO.chat;
    const call = this.#client.makeBidiStreamRequest(
      ...([path, requestSerialize, responseDeserialize, metadata, options] as const),
    );
    call.on("error", () => {});
    let left = plan.messages;
    const timers = new Set<NodeJS.Timeout>();
    const send = (): void => {
      left -= 1;
      call.write(Buffer.alloc(plan.bytes, 2));
    };
    call.on("data", () => {
      if (left === 0) return call.end();
      const timer = setTimeout(() => {
        timers.delete(timer);
        send();
      }, plan.lastsMs / plan.messages);
      timers.add(timer);
    });
    call.on("status", () => timers.forEach(clearTimeout));
    send();
    return call;
  }
}

/** Fairlead's plain API. */
class PlainCaller implements CallerChannel {
  readonly #channel: Channel;
  readonly #figures: OwnFigures;

  constructor({ target, serviceConfig, kubeconfig }: CallerPlan) {
    this.#channel = createChannel(target, {
      kubernetes: { kubeconfig },
      ...(serviceConfig === "" ? {} : { serviceConfig: JSON.parse(serviceConfig) }),
    });
    this.#figures = new OwnFigures(() => this.#channel.view());
  }

  look(): void {
    this.#figures.look();
  }

  close(): Promise<CallerFigures> {
    return this.#figures.close(() => this.#channel.close());
  }

  async run(plan: CallPlan): Promise<Outcome> {
    let pod: string | null = null;
    const abort = new AbortController();
    let isCancelled = false;
    const cancel = (): void => {
      isCancelled = true;
      abort.abort();
    };
    const timer = plan.cancelAfterMs === null ? null : setTimeout(cancel, plan.cancelAfterMs);
    const options = {
      metadata: { [KEY.id]: plan.id, [KEY.sleepMs]: String(plan.lastsMs) },
      timeoutMs: plan.deadlineMs,
      signal: abort.signal,
      onHeaders: (headers: { get(key: string): unknown }) => {
        pod = String(headers.get(KEY.pod));
      },
    };
    try {
      if (plan.kind === "unary") {
        await this.#channel.unary(ECHO.say, Buffer.alloc(plan.bytes, 1), options);
      } else await this.#chat(plan, options);
      return { code: 0, details: "", pod, isCancelled };
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      return { code: error.code, details: error.details, pod, isCancelled };
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
  }

  async #chat(plan: CallPlan, options: object): Promise<void> {
    const stream = this.#channel.duplex(ECHO.chat, options);
    for (let left = plan.messages; left > 0; left -= 1) {
      void stream.write(Buffer.alloc(plan.bytes, 2));
      const { done } = await stream.next();
      if (done) throw new Error(`${plan.id}: the answer ended before its last message`);
      if (left > 1) await new Promise((next) => setTimeout(next, plan.lastsMs / plan.messages));
    }
    stream.end();
    for await (const _message of stream) throw new Error(`${plan.id}: a message too many`);
  }
}
