/**
 * One lab pod inside its process: a stock gRPC server on an address of its own, which answers with
 * its name, says how loaded it is, serves gRPC health, and can be slow, sick, NOT_SERVING, ended or
 * killed without any other pod of the process.
 *
 * It imports as little as it can, since a dozen processes load it at once. What it answers is in
 * `pod-services.ts`; reflection is loaded when somebody first asks for it.
 */
import diagnostics from "node:diagnostics_channel";
import type net from "node:net";
import { Metadata, Server, ServerCredentials, type StatusObject, status } from "@grpc/grpc-js";
import type { Clock } from "../../base/index.ts";
import type { PodConduct } from "../messages.ts";
import { HEALTH_SERVICE, HealthServer } from "./health.ts";
import { Http1Server, http1Port } from "./http1-server.ts";
import { LOAD_REPORT_KEY, PodLoad } from "./load-report.ts";
import {
  METHODS,
  type PodMethod,
  REFLECTION_METHODS,
  type ReflectionStream,
  type TextRequest,
} from "./pod-services.ts";
import type { PodSettings } from "./pod-settings.ts";

/** From the end of its grace to its end, for calls that are open: less than the lab's patience. */
const DRAIN_MS = 1500;
/** What a call takes at the usual pace: so much that a pod can be ten times slower. */
const CALL_MS_DEFAULT = 2;

type Reply = (error: Partial<StatusObject> | null, text?: string, trailers?: Metadata) => void;
interface Call {
  readonly request: TextRequest;
  sendMetadata(headers: Metadata): void;
}

/** One pod. */
export class PodServer {
  readonly name: string;
  readonly #clock: Clock;
  readonly #callMs: number;
  readonly #server: Server;
  readonly #http1: Http1Server;
  readonly #health = new HealthServer();
  readonly #load: PodLoad;
  /** Where it listens on its host. */
  readonly #ports = new Set<number>();
  readonly #sockets = new Set<net.Socket>();
  #host = "";
  #conduct: PodConduct = { slowFactor: 1, isServing: true, isSick: false };

  constructor(name: string, clock: Clock, settings: PodSettings) {
    const { callMs = CALL_MS_DEFAULT, maxConcurrentStreams: streams } = settings;
    this.name = name;
    this.#clock = clock;
    this.#callMs = callMs;
    this.#load = new PodLoad(clock.nowMs());
    this.#server = new Server(streams ? { "grpc.max_concurrent_streams": streams } : {});
    this.#http1 = new Http1Server((reply) => {
      this.#take(() => {
        const failure = this.#failure;
        reply(failure === null ? { status: 200, text: name } : { status: 503, text: failure });
      });
    });
    for (const method of METHODS) {
      const handler = (call: Call, reply: Reply): void => this.#serve(call, reply, method);
      this.#server.addService({ call: method.definition }, { call: handler });
    }
    this.#server.addService(HEALTH_SERVICE, this.#health.handlers);
    for (const definition of REFLECTION_METHODS) {
      const handler = (stream: ReflectionStream): void => {
        import("./reflection.ts").then(({ reflect }) => reflect(stream));
      };
      this.#server.addService({ call: definition }, { call: handler });
    }
  }

  /** Listens for gRPC and HTTP/1.1. Rejects with an error whose message has the system's code. */
  async listen(host: string, port: number): Promise<{ grpc: number; http1: number }> {
    this.#host = host;
    diagnostics.subscribe("net.server.socket", this.#onSocket);
    const grpc = await new Promise<number>((resolve, reject) => {
      const credentials = ServerCredentials.createInsecure();
      this.#server.bindAsync(`${host}:${port}`, credentials, (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    this.#ports.add(grpc);
    const http1 = await this.#http1.listen(host, http1Port(port));
    this.#ports.add(http1);
    return { grpc, http1 };
  }

  /** Why a call fails that is answered now, or null. */
  get #failure(): string | null {
    return this.#conduct.isSick ? `${this.name} is sick` : null;
  }

  /** A call has come, by whatever protocol; `done` is called when it is due to be answered. */
  #take(done: (nowMs: number) => void): void {
    this.#load.onStart(this.#clock.nowMs());
    this.#clock.setTimer(this.#callMs * this.#conduct.slowFactor, () => {
      const nowMs = this.#clock.nowMs();
      this.#load.onEnd(nowMs);
      done(nowMs);
    });
  }

  #serve(call: Call, reply: Reply, { answer, namesHost }: PodMethod): void {
    this.#take((nowMs) => {
      const failure = this.#failure;
      if (failure !== null) {
        reply({ code: status.UNAVAILABLE, details: failure });
        return;
      }
      if (namesHost) {
        const headers = new Metadata();
        headers.set("hostname", this.name);
        call.sendMetadata(headers);
      }
      const trailers = new Metadata();
      const report = this.#load.report(nowMs);
      if (report !== null) trailers.set(LOAD_REPORT_KEY, report);
      reply(null, answer(call.request.text, this.name), trailers);
    });
  }

  /** How it serves from now on. */
  behave(conduct: PodConduct): void {
    this.#conduct = conduct;
    this.#health.setServing(conduct.isServing);
  }

  /** It takes no new connection, and says GOAWAY; resolves when its open calls are over. */
  async end(): Promise<void> {
    this.#health.shutDown();
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    const late = new Promise<void>((resolve) => {
      this.#clock.setTimer(DRAIN_MS, resolve).unref();
    });
    await Promise.race([Promise.all([drained, this.#http1.drain()]), late]);
    this.#leave((socket) => socket.destroy());
  }

  /** As if its process had died: nobody listens, and all its connections are reset. */
  kill(): void {
    void this.#http1.drain();
    this.#leave((socket) => socket.resetAndDestroy());
  }

  #leave(drop: (socket: net.Socket) => void): void {
    diagnostics.unsubscribe("net.server.socket", this.#onSocket);
    for (const socket of this.#sockets) drop(socket);
    this.#server.forceShutdown();
  }

  /** Every connection that this process accepts; ours are known by where they came in. */
  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: net.Socket };
    if (socket.localAddress !== this.#host || !this.#ports.has(socket.localPort ?? 0)) return;
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  };
}
