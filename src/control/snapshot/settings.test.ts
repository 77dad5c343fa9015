/** Tests of service config in the words of xDS: what each kind is told, and what it is not. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { type Json, nodeOf, World } from "./world-suite.ts";

const worlds: World[] = [];
afterEach(() => {
  for (const each of worlds.splice(0)) each.close();
});

function worldWith(config: unknown): World {
  const made = new World().service("echo", {}, config).settle();
  worlds.push(made);
  return made;
}

const CLUSTER = "prod/echo:50051";
const GRPC = nodeOf();
const ENVOY = nodeOf({ kind: "sidecar", agent: "envoy" });
const FAIRLEAD = nodeOf({ kind: "sidecar", agent: "fairlead" });

/** Names of policies, what is inside of a locality policy in brackets. */
function policiesOf(cluster: Json): string {
  const names = ({ policies }: Json): string =>
    policies
      .map(({ typedExtensionConfig: { name, typedConfig } }: Json) => {
        const inner = typedConfig.endpointPickingPolicy;
        const short = name.split(".").at(-1);
        return inner === undefined ? short : `${short}[${names(inner)}]`;
      })
      .join(" ");
  return names(cluster.loadBalancingPolicy);
}

const POLICIES = [
  ["round_robin", "wrr_locality[round_robin]", "round_robin", 0, 0],
  ["least_request", "wrr_locality[least_request round_robin]", "least_request", 0, 0],
  ["peak_ewma", "wrr_locality[least_request round_robin]", "least_request", 1, 1],
  [
    "weighted_round_robin",
    "wrr_locality[client_side_weighted_round_robin round_robin]",
    "client_side_weighted_round_robin",
    0,
    0,
  ],
  ["ring_hash", "ring_hash wrr_locality[round_robin]", "ring_hash", 0, 0],
  ["maglev", "ring_hash wrr_locality[round_robin]", "maglev", 1, 0],
  ["pick_first", "pick_first wrr_locality[round_robin]", "round_robin", 0, 1],
  ["random", "wrr_locality[round_robin]", "random", 1, 0],
] as const;

for (const [name, grpc, envoy, grpcProblems, envoyProblems] of POLICIES) {
  test(`policy ${name} is ${grpc} to gRPC and ${envoy} to Envoy`, () => {
    const w = worldWith({ loadBalancingConfig: [{ [name]: {} }] });
    assert.equal(policiesOf(w.json("CDS", CLUSTER, GRPC)), grpc);
    assert.equal(policiesOf(w.json("CDS", CLUSTER, ENVOY)), envoy);
    assert.equal(w.resource("CDS", CLUSTER, GRPC)!.problems.length, grpcProblems);
    assert.equal(w.resource("CDS", CLUSTER, ENVOY)!.problems.length, envoyProblems);
    assert.deepEqual(w.resource("CDS", CLUSTER, FAIRLEAD)!.problems, []);
  });
}

test("A76: the header of ring_hash is the routes' hash policy", () => {
  const w = worldWith({ loadBalancingConfig: [{ ring_hash: { requestHashHeader: "x-user" } }] });
  const { route } = w.json("RDS", "echo.prod:50051").virtualHosts[0].routes[0];
  assert.deepEqual(route.hashPolicy, [{ header: { headerName: "x-user" } }]);
});

test("a ring's sizes are not said to gRPC clients where they are the default ones", () => {
  const sizesOf = (parameters: object, node: typeof GRPC) => {
    const w = worldWith({ loadBalancingConfig: [{ ring_hash: parameters }] });
    const [first] = w.json("CDS", CLUSTER, node).loadBalancingPolicy.policies;
    const { minimumRingSize, maximumRingSize } = first.typedExtensionConfig.typedConfig;
    return [minimumRingSize, maximumRingSize];
  };
  assert.deepEqual(sizesOf({}, GRPC), [undefined, undefined]);
  assert.deepEqual(sizesOf({ minRingSize: 1024, maxRingSize: 9_000 }, GRPC), [
    undefined,
    undefined,
  ]);
  assert.deepEqual(sizesOf({ minRingSize: 16, maxRingSize: 32 }, GRPC), ["16", "32"]);
  assert.deepEqual(sizesOf({}, ENVOY), ["1024", "4096"]);
});

test("times that Envoy would refuse are said as the nearest that it takes", () => {
  const forever = "315576000000s";
  const outlier = {
    ...{ interval: forever, baseEjectionTime: "0s", maxEjectionTime: "0s" },
    childPolicy: [{ round_robin: {} }],
  };
  const methodConfig = [{ name: [{}], timeout: forever }];
  const w = worldWith({ loadBalancingConfig: [{ outlier_detection: outlier }], methodConfig });
  const { interval, baseEjectionTime, maxEjectionTime } = w.json(
    "CDS",
    CLUSTER,
    ENVOY,
  ).outlierDetection;
  assert.deepEqual(
    [interval, baseEjectionTime, maxEjectionTime],
    ["9223372035s", "0.001s", "0.001s"],
  );
  const { route } = w.json("RDS", "echo.prod:50051").virtualHosts[0].routes[0];
  assert.equal(route.maxStreamDuration.maxStreamDuration, "9223372035s");
});

test("A50: outlier detection is said in full, and what is not asked for is switched off", () => {
  const outlier = {
    interval: "1s",
    failurePercentageEjection: { threshold: 50 },
    childPolicy: [{ round_robin: {} }],
  };
  const w = worldWith({ loadBalancingConfig: [{ outlier_detection: outlier }] });
  for (const node of [GRPC, ENVOY]) {
    const { outlierDetection: found } = w.json("CDS", CLUSTER, node);
    assert.equal(found.interval, "1s");
    assert.equal(found.failurePercentageThreshold, 50);
    assert.equal(found.enforcingFailurePercentage, 100);
    assert.equal(found.enforcingSuccessRate, 0);
    assert.equal(found.enforcingConsecutive5xx, 0);
  }
  assert.equal(worldWith({}).json("CDS", CLUSTER, ENVOY).outlierDetection, undefined);
});

test("A32: without a limit there is none, and gRPC has but that of calls", () => {
  const none = worldWith(null).json("CDS", CLUSTER, ENVOY).circuitBreakers.thresholds[0];
  for (const name of ["maxConnections", "maxPendingRequests", "maxRequests", "maxRetries"]) {
    assert.equal(none[name], 0xff_ff_ff_ff, name);
  }
  const w = worldWith({ fairlead: { circuitBreakers: { maxCalls: 7, maxRetries: 2 } } });
  const { maxRequests, maxRetries } = w.json("CDS", CLUSTER, ENVOY).circuitBreakers.thresholds[0];
  assert.deepEqual([maxRequests, maxRetries], [7, 2]);
  assert.deepEqual(w.json("CDS", CLUSTER, GRPC).circuitBreakers.thresholds, [{ maxRequests: 7 }]);
  const { problems } = w.resource("CDS", CLUSTER, GRPC)!;
  assert.deepEqual(problems, ["fairlead.circuitBreakers.maxRetries: not for gRPC clients by xDS"]);
});

test("everything that a kind cannot do is named", () => {
  const w = worldWith({
    loadBalancingConfig: [{ random_subsetting: { childPolicy: [{ least_request: {} }] } }],
    retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
    healthCheckConfig: { serviceName: "" },
    fairlead: {
      slowStart: { window: "10s" },
      activeHealthCheck: {},
      retryBudget: { percent: 10 },
    },
  });
  const named = (node: typeof GRPC) =>
    w.resource("CDS", CLUSTER, node)!.problems.map((text) => text.split(":")[0]);
  assert.deepEqual(named(GRPC), [
    "policy random_subsetting",
    "fairlead.slowStart",
    "fairlead.activeHealthCheck",
    "fairlead.retryBudget",
    "healthCheckConfig",
    "retryThrottling",
  ]);
  assert.deepEqual(named(ENVOY), [
    "policy random_subsetting",
    "healthCheckConfig (fairlead.activeHealthCheck is done)",
    "retryThrottling (fairlead.retryBudget is done)",
  ]);
  const cluster = w.json("CDS", CLUSTER, ENVOY);
  assert.equal(cluster.healthChecks.length, 1);
  // A cluster's name, with its "/", is no authority.
  assert.equal(cluster.healthChecks[0].grpcHealthCheck.authority, "echo.prod:50051");
  const [{ typedExtensionConfig: policy }] = cluster.loadBalancingPolicy.policies;
  assert.equal(policy.typedConfig.slowStartConfig.slowStartWindow, "10s");
});

test("our own data planes get the service config whole, others nothing of it", () => {
  const config = {
    loadBalancingConfig: [{ peak_ewma: {} }],
    retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
    healthCheckConfig: { serviceName: "" },
    fairlead: { activeHealthCheck: { interval: "1s" } },
  };
  const w = worldWith(config);
  for (const kind of ["grpc", "sidecar"] as const) {
    const own = nodeOf({ kind, agent: "fairlead" });
    const { service_config: text } = w.json("CDS", CLUSTER, own).metadata.filterMetadata[
      "fairlead.dev"
    ];
    assert.deepEqual(JSON.parse(text), config);
    assert.deepEqual(w.resource("CDS", CLUSTER, own)!.problems, []);
  }
  for (const node of [GRPC, ENVOY]) assert.equal(w.json("CDS", CLUSTER, node).metadata, undefined);
  w.service("echo", {}, "{").settle();
  const { problems } = w.resource("CDS", CLUSTER, FAIRLEAD)!;
  assert.match(problems[0]!, /^service config not in force/);
});

test("an annotation that is nested thousands deep is a problem of its Service alone", () => {
  const w = worldWith({});
  w.service("echo", {}, `{"a": ${"[".repeat(7_000)}${"]".repeat(7_000)}}`).settle();
  const { problems } = w.resource("CDS", CLUSTER, FAIRLEAD)!;
  assert.match(problems[0]!, /^service config not in force.* is nested deeper than 100 levels/);
});

test("A44: retries and time-outs of methods are routes of their own, the narrowest first", () => {
  const retryPolicy = {
    maxAttempts: 3,
    initialBackoff: "0.1s",
    maxBackoff: "1s",
    backoffMultiplier: 2,
    retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
  };
  const w = worldWith({
    methodConfig: [
      { name: [{}], timeout: "10s" },
      { name: [{ service: "a.B" }], timeout: "2s", retryPolicy },
      { name: [{ service: "a.B", method: "C" }], timeout: "1s" },
    ],
  });
  const { routes } = w.json("RDS", "echo.prod:50051").virtualHosts[0];
  assert.deepEqual(
    routes.map(({ match, route }: Json) => [
      match.path ?? match.prefix,
      route.maxStreamDuration.grpcTimeoutHeaderMax,
      route.retryPolicy?.retryOn,
    ]),
    [
      ["/a.B/C", "1s", undefined],
      ["/a.B/", "2s", "resource-exhausted,unavailable"],
      ["", "10s", undefined],
    ],
  );
  assert.deepEqual(routes[1].route.retryPolicy.retryBackOff, {
    baseInterval: "0.100s",
    maxInterval: "1s",
  });
  assert.equal(routes[1].route.retryPolicy.numRetries, 2);
  assert.deepEqual(w.resource("RDS", "echo.prod:50051")!.problems, []);
});

test("what of methods cannot be said is named", () => {
  const retryPolicy = {
    maxAttempts: 2,
    initialBackoff: "0.1s",
    maxBackoff: "1s",
    backoffMultiplier: 3,
    retryableStatusCodes: ["ABORTED"],
  };
  const w = worldWith({
    methodConfig: [
      { name: [{}], waitForReady: true, maxRequestMessageBytes: 5, retryPolicy },
      { name: [{ service: "a.B" }], hedgingPolicy: { maxAttempts: 2 } },
    ],
  });
  assert.deepEqual(w.resource("RDS", "echo.prod:50051")!.problems, [
    "methodConfig: hedgingPolicy cannot be said by xDS",
    "methodConfig: maxRequestMessageBytes cannot be said by xDS",
    "methodConfig: waitForReady cannot be said by xDS",
    "retryPolicy: backoffMultiplier 3 is 2 by xDS",
    "retryPolicy: xDS has no retries on ABORTED",
  ]);
  const { routes } = w.json("RDS", "echo.prod:50051").virtualHosts[0];
  assert.equal(routes.at(-1).route.retryPolicy, undefined);
});

test("a service config that is wrong leaves the last good one in force, and is named", () => {
  const w = worldWith({ loadBalancingConfig: [{ round_robin: {} }] });
  w.service("echo", {}, "{").settle();
  const found = w.resource("CDS", CLUSTER)!;
  assert.equal(policiesOf(w.json("CDS", CLUSTER)), "wrr_locality[round_robin]");
  assert.match(found.problems[0]!, /^service config not in force: .*is not JSON/);
  w.service("echo", {}, { loadBalancingConfig: [{ pick_first: {} }] }).settle();
  assert.deepEqual(w.resource("CDS", CLUSTER)!.problems, []);
});
