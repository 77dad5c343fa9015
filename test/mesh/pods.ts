/** Pods of a test: gRPC servers in this process, which answer every call with their own address. */
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { HEALTH_SERVICE, HealthServer } from "../../src/lab/pods/health.ts";

/** "/echo.Echo/Say": the request is passed over, the answer is the pod's address. */
export const SAY = {
  path: "/echo.Echo/Say",
  encode: (text: string): Uint8Array => Buffer.from(text),
  decode: (bytes: Buffer): string => bytes.toString(),
};

/** How a pod answers. */
export interface PodOptions {
  /** It takes so long for an answer. */
  readonly delayMs?: number;
  /** So many calls fail with UNAVAILABLE first. */
  readonly failing?: number;
  /** It has `grpc.health.v1`, and serves. */
  readonly hasHealth?: boolean;
}

/** One pod. */
export interface Pod {
  readonly address: string;
  /** Calls that are still to fail. */
  failing: number;
  /** How long the last call had when it came; Infinity when it was told nothing. */
  deadlineMs: number;
  /** Calls that it has answered. */
  calls: number;
  /** Metadata of the last call. */
  last: Readonly<Record<string, unknown>>;
  /** What its health service says. */
  setServing(isServing: boolean): void;
  stop(): void;
}

/** Starts a pod at an address; port 0 picks a free one. */
export async function startPod(ip = "127.0.0.1", at = 0, options: PodOptions = {}): Promise<Pod> {
  const server = new Server();
  const say = (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>): void => {
    pod.calls += 1;
    pod.last = call.metadata.getMap();
    pod.deadlineMs = Number(call.getDeadline()) - Date.now();
    if (pod.failing > 0) {
      pod.failing -= 1;
      done({ code: status.UNAVAILABLE, details: "not now" });
    } else if (options.delayMs === undefined) done(null, pod.address);
    else setTimeout(() => done(null, pod.address), options.delayMs);
  };
  const coding = {
    requestSerialize: (text: string) => Buffer.from(text),
    requestDeserialize: (bytes: Buffer) => bytes.toString(),
    responseSerialize: (text: string) => Buffer.from(text),
    responseDeserialize: (bytes: Buffer) => bytes.toString(),
  };
  const definition = { path: SAY.path, requestStream: false, responseStream: false, ...coding };
  server.addService(
    { Say: definition, Other: { ...definition, path: "/echo.Echo/Other" } } as never,
    {
      Say: say as never,
      Other: say as never,
    },
  );
  const health = new HealthServer();
  if (options.hasHealth === true) server.addService(HEALTH_SERVICE, health.handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${ip}:${at}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const pod: Pod = {
    address: `${ip}:${port}`,
    ...{ calls: 0, failing: options.failing ?? 0, deadlineMs: Number.POSITIVE_INFINITY },
    last: {},
    setServing: (isServing) => health.setServing(isServing),
    stop: () => server.forceShutdown(),
  };
  return pod;
}
