/** Pods of a test: gRPC servers in this process, which answer every call with their own address. */
import { Server, ServerCredentials } from "@grpc/grpc-js";

/** "/echo.Echo/Say": the request is passed over, the answer is the pod's address. */
export const SAY = {
  path: "/echo.Echo/Say",
  encode: (text: string): Uint8Array => Buffer.from(text),
  decode: (bytes: Buffer): string => bytes.toString(),
};

/** One pod. */
export interface Pod {
  readonly address: string;
  /** Calls that it has answered. */
  calls: number;
  /** Metadata of the last call. */
  last: Readonly<Record<string, unknown>>;
  stop(): void;
}

/** Starts a pod at an address; port 0 picks a free one. */
export async function startPod(ip = "127.0.0.1", at = 0): Promise<Pod> {
  const server = new Server();
  const say = (_call: unknown, done: (error: null, answer: string) => void): void => {
    pod.calls += 1;
    pod.last = (_call as { metadata: { getMap(): Record<string, unknown> } }).metadata.getMap();
    done(null, pod.address);
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
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${ip}:${at}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const pod: Pod = {
    address: `${ip}:${port}`,
    calls: 0,
    last: {},
    stop: () => server.forceShutdown(),
  };
  return pod;
}
