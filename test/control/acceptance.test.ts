/**
 * Everything that a Service's annotation and a GRPCRoute may say, told to stock clients all at
 * once: none refuses any of it. And what an Envoy refuses of a route is its own NACK, and nobody
 * else's.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePorts, startProcess } from "../peers/processes.ts";
import { ControlPlane } from "./control-plane.ts";
import { envoyArgs } from "./envoy.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";
import { failuresOf, LANGUAGES, XdsClient } from "./xds-client.ts";

const policy = (name: string, parameters: object = {}) => ({
  loadBalancingConfig: [{ [name]: parameters }],
});
const retry = (fields: object) => ({
  methodConfig: [{ name: [{}], retryPolicy: { maxAttempts: 5, ...RETRY, ...fields } }],
});
const RETRY = {
  ...{ initialBackoff: "0.01s", maxBackoff: "0.1s", backoffMultiplier: 2 },
  retryableStatusCodes: ["UNAVAILABLE", "ABORTED"],
};
const timeout = (text: string) => ({ methodConfig: [{ name: [{}], timeout: text }] });
const FOREVER = "315576000000s";
const FEWEST = { enforcementPercentage: 0, minimumHosts: 0, requestVolume: 0 };

/** Service configs, each of a Service of its own. */
const CONFIGS: Readonly<Record<string, object>> = {
  "round-robin": policy("round_robin"),
  "least-request": policy("least_request", { choiceCount: 10 }),
  "peak-ewma": policy("peak_ewma"),
  "weighted-round-robin": policy("weighted_round_robin", {
    ...{ enableOobLoadReport: true, oobReportingPeriod: "0.1s", blackoutPeriod: "0s" },
    ...{ weightExpirationPeriod: "1s", weightUpdatePeriod: "0.01s", errorUtilizationPenalty: 3.5 },
  }),
  "ring-hash": policy("ring_hash", { requestHashHeader: "x-user" }),
  maglev: policy("maglev", { tableSize: 5 }),
  "pick-first": policy("pick_first", { shuffleAddressList: true }),
  random: policy("random"),
  subset: policy("random_subsetting", { subsetSize: 1, childPolicy: [{ round_robin: {} }] }),
  "outliers-least": policy("outlier_detection", {
    ...{ interval: "0s", baseEjectionTime: "0s", maxEjectionTime: "0s", maxEjectionPercent: 0 },
    successRateEjection: { stdevFactor: 0, ...FEWEST },
    failurePercentageEjection: { threshold: 0, ...FEWEST },
    childPolicy: [{ round_robin: {} }],
  }),
  "outliers-most": policy("outlier_detection", {
    ...{ interval: FOREVER, baseEjectionTime: FOREVER, maxEjectionTime: FOREVER },
    ...{ maxEjectionPercent: 100, childPolicy: [{ round_robin: {} }] },
  }),
  retry: retry({}),
  "retry-short": retry({ initialBackoff: "0.000001s", maxBackoff: "0.000001s" }),
  "retry-long": retry({ initialBackoff: "100000s", maxBackoff: "1s", backoffMultiplier: 1.5 }),
  "timeout-none": timeout("0s"),
  "timeout-fine": timeout("20.000000001s"),
  "timeout-forever": timeout(FOREVER),
  methods: {
    methodConfig: [
      { name: [{ service: "echo.Echo", method: "Say" }], timeout: "20s" },
      { name: [{ service: "echo.Echo" }], timeout: "30s" },
      { name: [{}], timeout: "40s" },
    ],
  },
  breakers: {
    fairlead: {
      circuitBreakers: { maxConnections: 1, maxPendingCalls: 1, maxCalls: 9, maxRetries: 1 },
    },
  },
  protection: {
    fairlead: {
      ...{ retryBudget: { percent: 20, minRetries: 3 }, slowStart: { window: "10s" } },
      ...{ activeHealthCheck: {}, locality: { prefer: "zone" } },
    },
  },
};

const CASES = Object.keys(CONFIGS);

/** Expressions in RE2's syntax, some of which its older versions and ports do not know. */
const EXPRESSIONS = [
  ...["v[0-9]+", "\\p{Greek}\\p{Lu}", "(?<name>a)(?P<other>b)", "(?i)abc(?-i:D)", "\\Qa.b\\E"],
  ...["[[:alpha:]]+\\z", "^a$", "|", "a{,2}", "[(?<a>]"],
];
const METHODS = [
  { type: "RegularExpression", service: "echo[.]E.*", method: "S.y" },
  { service: "other.Service" },
  { service: "other.Service", method: "Say" },
];
const FILTERS = [
  {
    type: "RequestHeaderModifier",
    requestHeaderModifier: {
      set: [{ name: "x-set", value: "%REQ(x)% 100% bäh€" }],
      ...{ add: [{ name: "X-Add", value: "v" }], remove: ["x-gone"] },
    },
  },
  {
    type: "ResponseHeaderModifier",
    responseHeaderModifier: { add: [{ name: "x-seen", value: "v" }], remove: ["x-served"] },
  },
  {
    type: "RequestMirror",
    requestMirror: { backendRef: { name: "echo", port: 50051 }, percent: 1 },
  },
];

/** Rules of a route, so many that each thing is in one. */
function rules(): object[] {
  const to = (name: string, weight = 1) => ({ name, port: 50051, weight });
  const of = (name: string, value: string, type = "Exact") => [
    { headers: [{ name, value, type }] },
  ];
  return [
    ...CASES.map((name) => ({
      ...{ matches: of("x-config", name), backendRefs: [to(name)] },
    })),
    ...EXPRESSIONS.map((text) => ({
      ...{ matches: of("x-text", text, "RegularExpression"), backendRefs: [to("echo")] },
    })),
    ...METHODS.map((method) => ({
      ...{ matches: [{ method, ...of("x-method", "yes")[0] }], backendRefs: [to("echo")] },
    })),
    { matches: of("x-filter", "yes"), filters: FILTERS, backendRefs: [to("echo")] },
    { matches: of("x-nobody", "none"), backendRefs: [] },
    { matches: of("x-nobody", "zero"), backendRefs: [to("echo", 0), to("retry", 0)] },
    { matches: of("x-nobody", "gone"), backendRefs: [to("gone", 1_000_000), to("echo", 1)] },
    { matches: of("x-a", "bäh€\tx"), backendRefs: [to("echo", 3), to("echo", 5)] },
  ];
}

/** A row of `/nodes`. */
interface Row {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly error: string;
  readonly resources: number;
}

async function rowsOf(admin: number): Promise<readonly Row[]> {
  const answer = await (await fetch(`http://127.0.0.1:${admin}/nodes`)).json();
  const { nodes } = answer as { nodes: { id: string; types: Record<string, Row> }[] };
  return nodes.flatMap(({ id, types }) =>
    Object.entries(types).map(([type, row]) => ({ ...row, id, type })),
  );
}

const PARENTS = [
  { kind: "Service", name: "echo" },
  { kind: "Gateway", name: "edge" },
] as const;

/** A Service for each config, and routes of a Service and of a Gateway that lead to them. */
function writeObjects(objects: ObjectsDirectory, podPort: number, ip: string, edge: number): void {
  objects.service("echo");
  for (const [name, config] of Object.entries(CONFIGS)) {
    objects.service(name, { config });
    objects.slice(name, podPort, [{ ip }]);
  }
  objects.gateway("edge", [{ name: "http", port: edge, protocol: "HTTP" }]);
  for (const parent of PARENTS) {
    // The API allows a route 16 rules.
    for (let i = 0, left = rules(); left.length > 0; i += 1, left = left.slice(16)) {
      objects.route(`${parent.kind}-${i}`.toLowerCase(), parent, left.slice(0, 16));
    }
  }
}

test("no stock client refuses anything of what objects may say", async (t) => {
  const [envoy, echo] = ["envoy", "echo-server"].map((name) => requirePeer(t, name));
  const commands = LANGUAGES.map((each) => each.command(t));
  if (!envoy || !echo || commands.includes(null)) return;
  const objects = new ObjectsDirectory();
  const [podPort, admin, adminPort, edge] = (await freePorts(4)) as [number, ...number[]];
  const pods = new Pods(echo, objects, "echo", podPort);
  const [ip, second] = ["127.0.62.1", "127.0.62.2"] as const;
  writeObjects(objects, podPort, ip, edge!);
  const plane = await ControlPlane.startWith(objects.path, ["--admin", String(admin)]);
  await pods.add(ip);
  const clients = commands.map((command, i) => {
    const options = { args: ["-timeout", "20s"], node: { id: LANGUAGES[i]!.name } };
    return new XdsClient(command!, objects.path, plane.address, "xds:///echo.prod:50051", options);
  });
  const gateway = { "fairlead.kind": "gateway", "fairlead.gateway": "prod/edge" };
  const metadata = { ...gateway, "fairlead.listen-host": "127.0.0.1" };
  const control = plane.address;
  const args = envoyArgs({ control, adminPort: adminPort!, metadata, isDelta: true });
  const proxy = startProcess(envoy, args, { name: "envoy" });
  t.after(async () => {
    await Promise.all([proxy, ...clients].map((each) => each.stop()));
    await Promise.all([plane.kill(), pods.close()]);
    objects.close();
  });
  let rows: readonly Row[] = [];
  const isSettled = ({ state }: Row) => /SYNCED|NACKED/.test(state);
  const refusals = async (): Promise<readonly Row[]> => {
    const look = async (): Promise<boolean> => {
      rows = await rowsOf(admin!);
      return rows.length === 20 && rows.every(isSettled);
    };
    await eventually("everybody has everything, or has refused it", look).catch((error) => {
      assert.fail(`${error.message}: ${JSON.stringify(rows)}`);
    });
    return rows.filter(({ state }) => state === "NACKED");
  };
  assert.deepEqual(await refusals(), []);
  for (const { id, type, resources } of rows) {
    if (/[CE]DS/.test(type)) assert.ok(resources > CASES.length, `${id} ${type}: ${resources}`);
  }

  // Envoy takes none of more than 100 instructions, unless its bootstrap says so.
  const headers = [{ name: "x-long", value: "a{200}", type: "RegularExpression" }];
  for (const parent of PARENTS) {
    const backendRefs = [{ name: "echo", port: 50051 }];
    objects.route(`${parent.kind}-long`.toLowerCase(), parent, [
      { matches: [{ headers }], backendRefs },
      { backendRefs },
    ]);
  }
  await eventually("Envoy's refusal", async () => (await refusals()).length > 0);
  const [refusal, ...others] = await refusals();
  assert.deepEqual([refusal!.id, refusal!.type, others], ["envoy-test", "RDS", []]);
  assert.match(refusal!.error, /RE2 program size of \d+ > max program size of 100/);
  await pods.add(second);
  for (const client of clients) {
    await client.ready();
    const name = `${second}:${podPort}`;
    await eventually("a pod that came later", () => client.calls.some(({ peer }) => peer === name));
    assert.deepEqual(failuresOf(client.calls.slice(-20)), []);
  }
});
