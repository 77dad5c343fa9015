/**
 * What users of `fairlead/testing` hold in their hands. Types only, and whole: nothing of the lab's
 * is named here, so that the lab may change.
 */

/** What can be wrong with the API server. */
export interface ApiFault {
  /**
   * - `hang`: requests get no answer and open watches fall silent, until it is cleared
   * - `reset`: connections are reset (RST)
   * - `gone`: lists and watches get 410 Gone
   * - `throttle`: 429 with Retry-After
   * - `error`: 500
   * - `slow`: answers dribble, `bytes` every `intervalMs`
   * - `reorder`: events of different objects come in the wrong order
   * - `no-bookmarks`: watches get none
   * - `no-streaming-list`: refused, as by servers that do not know it
   */
  readonly kind:
    | "hang"
    | "reset"
    | "gone"
    | "throttle"
    | "error"
    | "slow"
    | "reorder"
    | "no-bookmarks"
    | "no-streaming-list";
  /** Only requests with one of these verbs: "get", "list", "watch", "create". All unless given. */
  readonly verbs?: readonly string[];
  /** Only requests for these resources: "endpointslices", "services". All unless given. */
  readonly resources?: readonly string[];
  /** So many requests meet it (`reset`, `gone`, `throttle`, `error`); all unless given. */
  readonly count?: number;
  /** Of `throttle`; default 1. */
  readonly retryAfterSeconds?: number;
  /** Of `gone`: a watch gets it as its first event, with status 200, as real servers do. */
  readonly asEvent?: boolean;
  /** Of `slow`; default 16. */
  readonly bytes?: number;
  /** Of `slow`; default 100. */
  readonly intervalMs?: number;
}

/** What can be wrong with the DNS server. */
export interface DnsFault {
  /**
   * `timeout`: no answer; `slow`: after `delayMs`; `truncate`: over UDP an empty answer that sends
   * the client to TCP.
   */
  readonly kind: "servfail" | "refused" | "timeout" | "slow" | "truncate";
  /** Only questions for this name, such as "orders.prod.svc.cluster.local". All unless given. */
  readonly name?: string;
  /** Only questions of this type, such as "AAAA". All unless given. */
  readonly type?: string;
  /** Of `slow`. */
  readonly delayMs?: number;
}

/** A Service to be. */
export interface ServiceOptions {
  /** Default "default". It is made if it does not exist. */
  readonly namespace?: string;
  /** The Service's port; default 50051. Each pod has its own port behind it. */
  readonly port?: number;
  /** Default "grpc". */
  readonly portName?: string;
  /** A virtual IP, which DNS then answers; default "None" (headless). Nobody listens on it. */
  readonly clusterIp?: string;
  /** Such as "fairlead.dev/service-config". */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A pod to be: a server that somebody else runs. */
export interface PodOptions {
  /** "IP:PORT" or "[IPV6]:PORT": where the server listens. */
  readonly address: string;
  /** Unique in the namespace; by default the Service's name and a number. */
  readonly name?: string;
  /** Default true. */
  readonly isReady?: boolean;
  /** The zone of its node; none unless given. */
  readonly zone?: string;
}

/** A pod of a Service, as the API server knows it. The server behind it is not touched. */
export interface ServicePod {
  readonly name: string;
  readonly address: string;
  /** What its readiness probe says. */
  setReady(isReady: boolean): void;
  /** Somebody deletes it: Terminating, no more ready, still serving. */
  terminate(): void;
  /** It is gone. */
  remove(): void;
}

/** A Service, and the pods behind it. */
export interface TestService {
  readonly name: string;
  readonly namespace: string;
  /** "kubernetes:///orders.prod:grpc". */
  readonly target: string;
  /** "orders.prod.svc.cluster.local". */
  readonly dnsName: string;
  /** Puts a server behind it: "IP:PORT", or more about it. */
  addPod(pod: string | PodOptions): ServicePod;
  /** Those that were added and not removed. */
  readonly pods: readonly ServicePod[];
  /** The Service and its pods are gone. */
  remove(): void;
}

/** A Kubernetes API server on 127.0.0.1, with the endpointslice controller. */
export interface TestApiServer extends AsyncDisposable {
  /** "http://127.0.0.1:34567" */
  readonly url: string;
  /** Path of a kubeconfig file that leads there; gone with `close`. */
  readonly kubeconfig: string;
  addService(name: string, options?: ServiceOptions): TestService;
  /**
   * Creates any object that the server knows (Service, Pod, Node, EndpointSlice, Namespace,
   * Secret), or replaces the one of its name: what `kubectl apply` would send.
   */
  apply(object: object): void;
  /** One more fault from now on. */
  setFault(fault: ApiFault): void;
  /** No fault of this kind any more; of none without a kind. */
  clearFaults(kind?: ApiFault["kind"]): void;
  /** Resets every open connection, watches with them. */
  cutConnections(): void;
  /** Every open watch gets 410 Gone, and history before now is forgotten. */
  expireWatches(): void;
  /** From now on connections are refused. Objects stay. */
  stop(): Promise<void>;
  /** It is back, on the same port. */
  restart(): Promise<void>;
  /** Watches that are open. */
  readonly watchCount: number;
  /** A DNS server that answers for its Services, as CoreDNS does. Ends with this API server. */
  startDns(): Promise<TestDns>;
  /** Ends it, and what is still starting. Safe to call twice. */
  close(): Promise<void>;
}

/** A DNS server on 127.0.0.1, over UDP and TCP. */
export interface TestDns extends AsyncDisposable {
  /** "127.0.0.1:34567" */
  readonly address: string;
  /** A target of gRPC that asks this server: "dns://127.0.0.1:34567/NAME:PORT". */
  target(name: string, port: number): string;
  /** Lies from now on: these addresses stand behind the Service "orders.prod", which exists. */
  lie(service: string, addresses: readonly string[]): void;
  /** Tells the truth again; of this Service, or of all. */
  tellTruth(service?: string): void;
  /** One more fault from now on; the first that concerns a question counts. */
  setFault(fault: DnsFault): void;
  clearFaults(): void;
  close(): Promise<void>;
}

/** A pod of a test cluster, as it was when it was asked for. */
export interface ClusterPod {
  readonly name: string;
  /** "IP:PORT" */
  readonly address: string;
  readonly isReady: boolean;
}

/** Pods behind a Service, with all that leads to them. */
export interface TestCluster extends AsyncDisposable {
  readonly api: TestApiServer;
  readonly dns: TestDns;
  /** Path of a kubeconfig file, for fairlead's channels or for KUBECONFIG. */
  readonly kubeconfig: string;
  /** For fairlead's channels: "kubernetes:///echo.lab:grpc". */
  readonly target: string;
  /** For stock grpc-js: "dns://..." of the headless Service. */
  readonly dnsTarget: string;
  /** "IP:PORT" of the Service's virtual IP: each connection goes to one pod. */
  readonly clusterIp: string;
  /** All that have not been told to end. */
  readonly pods: readonly ClusterPod[];
  /** Resolves when there are so many pods, ready and told of. */
  scale(count: number): Promise<void>;
  /** Replaces every pod, one more first and then one less. Resolves when the last one is gone. */
  roll(): Promise<void>;
  /**
   * SIGKILL. Resolves with the name of the pod that comes instead, or null if none is wanted or it
   * was to end anyway.
   */
  kill(pod: string): Promise<string | null>;
  /** Terminating, then SIGTERM, then gone; another comes. Resolves when both has happened. */
  drain(pod: string): Promise<void>;
  /** Its calls take `factor` times their 2 ms; 1 is the usual. */
  slow(pod: string, factor: number): void;
  /** It answers every call UNAVAILABLE, and says that it is well; false: no more. */
  sick(pod: string, isSick?: boolean): void;
  /**
   * Its health service says NOT_SERVING; false: no more. Resolves when the slice has followed, or
   * when it is told otherwise meanwhile.
   */
  notServing(pod: string, isNotServing?: boolean): Promise<void>;
  /** All pods are fast, well and SERVING again. */
  heal(): void;
  /**
   * Calls `listener` when pods come, go, or turn ready or not. Answers how to stop that. What it
   * throws is an uncaught exception of the process.
   */
  onChange(listener: () => void): () => void;
  /**
   * Ends everything. Safe to call twice. What is under way rejects with "the cluster is closed", as
   * does all that comes later.
   */
  close(): Promise<void>;
}

/** What `startTestCluster` takes. */
export interface TestClusterOptions {
  /** 1 to 100; default 3. */
  readonly pods?: number;
}
