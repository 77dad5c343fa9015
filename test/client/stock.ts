/** For tests: real grpc-js servers on loopback addresses, and stock clients that call them. */
import * as grpc from "@grpc/grpc-js";
import { realClock } from "../../src/base/index.ts";

const METHOD = "/test.Echo/Call";
const identity = (bytes: Buffer): Buffer => bytes;

/** A server that answers each call, after a while if wanted, and counts. */
export interface EchoServer {
  readonly address: string;
  callCount: number;
  /** Connections that were made to it so far. */
  connectionCount: number;
  delayMs: number;
  close(): void;
}

/** Starts one. @param address "127.0.2.1:50051" */
export async function startServer(address: string): Promise<EchoServer> {
  const clock = realClock();
  const server = new grpc.Server();
  const peers = new Set<string>();
  const echo: EchoServer = {
    address,
    callCount: 0,
    delayMs: 0,
    connectionCount: 0,
    close: () => server.forceShutdown(),
  };
  const definition = {
    Call: {
      path: METHOD,
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  };
  server.addService(definition, {
    Call(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      echo.callCount += 1;
      peers.add(call.getPeer());
      echo.connectionCount = peers.size;
      if (echo.delayMs === 0) done(null, call.request);
      else clock.setTimer(echo.delayMs, () => done(null, call.request));
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return echo;
}

/** A stock client. @param policy the first of its `loadBalancingConfig`; null for the default. */
export function newClient(
  target: string,
  policy: string | null,
  options: grpc.ChannelOptions = {},
): grpc.Client {
  const config = { loadBalancingConfig: [{ [policy ?? ""]: {} }] };
  return new grpc.Client(target, grpc.credentials.createInsecure(), {
    ...(policy === null ? {} : { "grpc.service_config": JSON.stringify(config) }),
    // Channels of one process share connections otherwise, and tests would see each other's.
    "grpc.use_local_subchannel_pool": 1,
    ...options,
  });
}

/** One call. @returns the address of the server; rejects with grpc-js' ServiceError. */
export function call(
  client: grpc.Client,
  deadlineMs = 10_000,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const deadline = new Date(realClock().wallMs() + deadlineMs);
    const request = Buffer.from("hello");
    const one = client.makeUnaryRequest(
      METHOD,
      identity,
      identity,
      request,
      metadata,
      { deadline },
      (error) => (error === null ? resolve(one.getPeer()) : reject(error)),
    );
  });
}

/** Waits until something is so. Rejects after `limitMs`. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 10_000,
): Promise<void> {
  const clock = realClock();
  const endMs = clock.nowMs() + limitMs;
  while (!(await isSo())) {
    if (clock.nowMs() > endMs) throw new Error(`not in time: ${what}`);
    await sleep(10);
  }
}

/** Real time passes. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => realClock().setTimer(ms, resolve));
}
