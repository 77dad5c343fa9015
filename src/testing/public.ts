/**
 * `fairlead/testing`: a small cluster inside a test. The package's public entry, where the real
 * clock is made.
 */
import { realClock, realRng } from "../base/index.ts";
import { ECHO_SERVICE } from "../lab/index.ts";
import { openApiServer } from "./api-server.ts";
import { checkKeys, checkText } from "./check.ts";
import { openTestCluster } from "./cluster.ts";
import type { TestApiServer, TestCluster, TestClusterOptions } from "./types.ts";

export type {
  ApiFault,
  ClusterPod,
  DnsFault,
  PodOptions,
  ServiceOptions,
  ServicePod,
  TestApiServer,
  TestCluster,
  TestClusterOptions,
  TestDns,
  TestService,
} from "./types.ts";

/**
 * The method that the pods of a test cluster serve, in the form that fairlead's `createChannel`
 * takes; its parts fit `makeUnaryRequest` of grpc-js. The answer is the name of the pod.
 */
export const say: {
  readonly path: string;
  readonly encode: (from: string) => Buffer;
  readonly decode: (bytes: Uint8Array) => string;
} = {
  path: ECHO_SERVICE.say.path,
  encode: (from) => ECHO_SERVICE.say.requestSerialize(checkText("say", from)),
  decode: (bytes) => ECHO_SERVICE.say.responseDeserialize(Buffer.from(bytes)),
};

/**
 * Starts an API server with a DNS server on demand, for servers that the test runs itself.
 *
 * Rejects with the system's error when there is no port for it.
 */
export async function startApiServer(): Promise<TestApiServer> {
  const { api } = await openApiServer({ clock: realClock(), rng: realRng() });
  return api;
}

/**
 * Starts pods, each a process with a gRPC server, behind the Services `echo` and `echo-headless` of
 * namespace `lab`; resolves when all serve.
 *
 * Rejects with one clear sentence when that cannot be: RangeError for a wrong option.
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  checkKeys("startTestCluster", options, ["pods"]);
  return openTestCluster(options.pods ?? 3, { clock: realClock(), rng: realRng() });
}
