/**
 * Why each lane spreads its calls as it does, in words that need no other: the causes in the
 * verdicts. What a lane in fact did is not here; a cause is only given for what was measured.
 */

/** The causes of one lane. */
export interface LaneWords {
  /** Why one pod gets all calls, when it does; "" where that is not of the lane. */
  readonly pinned: string;
  /** Each connection leads to one pod: no more pods are used than there are connections. */
  readonly isByConnection: boolean;
  /** Why all pods get calls, when they do. */
  readonly even: string;
  /** Why a new pod gets none, when it does not; "" where that is no property of it. */
  readonly waits: string;
}

const ONE_CONNECTION = "one connection";

/** Causes of what has all pods before it and chooses, by its name. */
function chooser(name: string): LaneWords {
  return {
    pinned: "",
    isByConnection: false,
    even: `${name} chooses a pod for each call`,
    waits: "",
  };
}

const WORDS: Readonly<Record<string, LaneWords>> = {
  clusterip: {
    pinned: ONE_CONNECTION,
    isByConnection: true,
    even: "there are enough connections, each to one pod",
    waits: "connections stay where they are",
  },
  http1: {
    pinned: ONE_CONNECTION,
    isByConnection: true,
    even: "HTTP/1.1 takes a connection per open call, each to one pod",
    waits: "connections stay where they are",
  },
  static: {
    pinned: "",
    isByConnection: false,
    even: "a connection to each pod, calls in turn",
    waits: "a list of pods does not change",
  },
  headless: {
    pinned: "",
    isByConnection: false,
    even: "a connection to each pod, calls in turn",
    waits: "DNS is not asked again",
  },
  client: chooser("the client"),
  proxy: chooser("the proxy"),
  nested: chooser("each proxy"),
  sidecar: chooser("the sidecar"),
  proxyless: chooser("the client"),
  envoy: chooser("Envoy"),
  nginx: chooser("nginx"),
  haproxy: chooser("HAProxy"),
};

const OTHER: LaneWords = { pinned: "", isByConnection: false, even: "", waits: "" };

/** The causes of a lane by its word on the command line; none of one that is not known. */
export function laneWords(name: string): LaneWords {
  return WORDS[name] ?? OTHER;
}
