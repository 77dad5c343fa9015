/** Tests of the questions of `fairlead check`, against a small API server with RBAC in a table. */
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { test } from "node:test";
import { RecordingLogger, realClock, seededRng, VirtualClock } from "../../../../base/index.ts";
import { SHORT_BODY_MS_MAX } from "../http/exchange.ts";
import { accessTo, ScriptedServer } from "../http/server-suite.ts";
import { Secret } from "../secret.ts";
import { TRIAL_WATCH_MS_MAX } from "./ask.ts";
import { type ApiCheck, checkApi } from "./check.ts";

interface Api {
  /** "list endpointslices" and so on. */
  readonly forbidden: Set<string>;
  isUnauthorized: boolean;
  /** Added to the server's clock. */
  skewMs: number;
  endsWatches: boolean;
  readonly seen: string[];
}

function answersOf(api: Api): RequestListener {
  return async (request, response) => {
    const url = new URL(request.url ?? "", "http://api");
    api.seen.push(`${request.method} ${url.pathname}`);
    response.setHeader("date", new Date(Date.now() + api.skewMs).toUTCString());
    const say = (status: number, value: unknown) =>
      response.writeHead(status).end(JSON.stringify(value));
    if (api.isUnauthorized) return say(401, { kind: "Status", message: "Unauthorized" });
    if (url.pathname === "/version") return say(200, { gitVersion: "v1.36.4" });
    if (url.pathname.endsWith("/selfsubjectreviews")) {
      const userInfo = { username: "system:serviceaccount:prod:web", groups: ["g"] };
      return say(201, { status: { userInfo } });
    }
    if (url.pathname.endsWith("/selfsubjectaccessreviews")) {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { verb, resource } = JSON.parse(body).spec.resourceAttributes;
      return say(201, { status: { allowed: !api.forbidden.has(`${verb} ${resource}`) } });
    }
    const resource = url.pathname.split("/").at(-1);
    const verb = url.searchParams.has("watch") ? "watch" : "list";
    if (api.forbidden.has(`${verb} ${resource}`)) return say(403, { kind: "Status" });
    if (verb === "list") return say(200, { metadata: { resourceVersion: "7" }, items: [] });
    assert.equal(url.searchParams.get("timeoutSeconds"), "1");
    assert.equal(url.searchParams.get("resourceVersion"), "7");
    response.writeHead(200).flushHeaders();
    if (api.endsWatches) response.end();
  };
}

/** Checks against an API server that is as `parts` say. */
async function check(parts: Partial<Api> = {}, namespace = "prod") {
  const api: Api = {
    forbidden: new Set(),
    isUnauthorized: false,
    skewMs: 0,
    endsWatches: true,
    seen: [],
    ...parts,
  };
  const server = await new ScriptedServer(answersOf(api)).listen();
  const access = accessTo(`http://127.0.0.1:${server.port}`, {}, { token: new Secret("hush") });
  const result = await checkApi(access, namespace, deps());
  await server.deserted();
  await server.close();
  assert.doesNotMatch(JSON.stringify(result), /hush/);
  return { result, seen: api.seen };
}

function deps() {
  return { clock: realClock(), rng: seededRng(1), log: new RecordingLogger() };
}

const stepOf = ({ steps }: ApiCheck, name: string) => {
  const step = steps.find((one) => one.name === name);
  assert.ok(step !== undefined, `there is a step ${name}`);
  return step;
};

test("all is well: every step says what was found", async () => {
  const { result, seen } = await check();
  assert.equal(result.isGood, true);
  assert.equal(result.version, "v1.36.4");
  assert.equal(result.credentials, "token");
  assert.deepEqual(result.subject, { username: "system:serviceaccount:prod:web", groups: ["g"] });
  assert.ok(Math.abs(result.clockSkewMs ?? Number.NaN) < 5000);
  const names = result.steps.map(({ name, isGood }) => `${name} ${isGood}`);
  assert.deepEqual(names, [
    "server true",
    "credentials true",
    "endpointslices true",
    "services true",
    "nodes true",
    "clock true",
  ]);
  const writes = seen.filter((text) => text.startsWith("POST") && !text.includes("/selfsubject"));
  assert.deepEqual(writes, [], "it writes nothing");
});

test("what RBAC forbids is named, with the rule that is missing as YAML", async () => {
  const { result } = await check({ forbidden: new Set(["watch endpointslices"]) });
  assert.equal(result.isGood, false);
  const step = stepOf(result, "endpointslices");
  assert.equal(
    step.detail,
    "forbidden: needs watch on endpointslices.discovery.k8s.io in namespace prod",
  );
  assert.deepEqual(step.fix, [
    "add to the rules of a Role in namespace prod that is bound to ServiceAccount web of " +
      "namespace prod:",
    '- apiGroups: ["discovery.k8s.io"]',
    '  resources: ["endpointslices"]',
    '  verbs: ["get", "list", "watch"]',
  ]);
});

test("Services and Nodes are optional: without them the check is good, and says what is missing", async () => {
  const { result } = await check({ forbidden: new Set(["list services", "list nodes"]) });
  assert.equal(result.isGood, true);
  assert.equal(stepOf(result, "services").isGood, false);
  const nodes = stepOf(result, "nodes");
  assert.equal(nodes.detail, "forbidden: needs list on nodes");
  assert.match(nodes.fix[0], /^add to the rules of a ClusterRole/);
});

test("credentials that are refused", async () => {
  const { result } = await check({ isUnauthorized: true });
  assert.equal(result.isGood, false);
  assert.equal(stepOf(result, "server").isGood, true, "it answers");
  const step = stepOf(result, "credentials");
  assert.equal(step.detail, "token: refused with 401");
  assert.match(step.fix[0], /renew the credentials \(token\)/);
});

test("clocks that are apart", async () => {
  for (const [skewMs, words] of [
    [60_000, "60 s ahead"],
    [-60_000, "60 s behind"],
  ] as const) {
    const { result } = await check({ skewMs });
    const step = stepOf(result, "clock");
    assert.equal(step.isGood, false);
    assert.match(step.detail, new RegExp(words.replace("60", "(59|60|61)")));
    assert.equal(result.isGood, true, "calls may go on all the same");
  }
});

test("a watch that something holds back", async () => {
  const { result } = await check({ endsWatches: false });
  const seconds = TRIAL_WATCH_MS_MAX / 1000;
  const reason = `a watch of 1 s did not end within ${seconds} s: something holds answers back`;
  assert.equal(stepOf(result, "endpointslices").detail, reason);
});

/** Checks against a server that answers everything in one way, with time that runs. */
async function checkEvil(answer: RequestListener, token = "s3cr3t-t0k3n-0123456789") {
  const server = await new ScriptedServer(answer).listen();
  const access = accessTo(`http://127.0.0.1:${server.port}`, {}, { token: new Secret(token) });
  const clock = new VirtualClock();
  let result: ApiCheck | null = null;
  const done = checkApi(access, "prod", { ...deps(), clock }).then((check) => {
    result = check;
  });
  const tick = () => new Promise((resolve) => setTimeout(resolve, 1));
  for (let turn = 0; result === null && turn < 2000; turn += 1) {
    await tick();
    clock.advance(100);
  }
  assert.ok(result !== null, "it ends");
  await done;
  await server.close();
  return result as ApiCheck;
}

test("a list that is no list fails", async () => {
  const result = await checkEvil((_request, response) => response.writeHead(200).end("5"));
  assert.equal(result.isGood, false);
  const step = stepOf(result, "endpointslices");
  assert.equal(step.isGood, false);
  assert.equal(step.detail, "the API server answers a list with something that is no list");
});

test("SHORT_BODY_MS_MAX: an answer that comes drop by drop is not waited for", async () => {
  for (const status of [200, 500]) {
    const result = await checkEvil((_request, response) => {
      response.writeHead(status);
      const timer = setInterval(() => response.write(" "), 2);
      response.on("close", () => clearInterval(timer));
    });
    assert.equal(result.isGood, false);
    const seconds = SHORT_BODY_MS_MAX / 1000;
    assert.match(
      result.steps[0].detail,
      new RegExp(`^127.0.0.1:\\d+: an answer that did not end within ${seconds} s$`),
    );
  }
});

test("what the server says comes without terminal escapes, line breaks and our token", async () => {
  const result = await checkEvil((request, response) => {
    const { url = "", headers } = request;
    const evil = `\u001b[31mevil\u202e\nrules: ${"x".repeat(260)} ${headers.authorization}`;
    const message = evil;
    if (url === "/version") response.end(JSON.stringify({ gitVersion: evil }));
    else if (url.endsWith("/selfsubjectreviews")) {
      const userInfo = { username: evil, groups: [evil] };
      response.end(JSON.stringify({ status: { userInfo } }));
    } else response.writeHead(403).end(JSON.stringify({ kind: "Status", message }));
  });
  const texts = [
    result.version,
    result.subject?.username,
    ...(result.subject?.groups ?? []),
    ...result.steps.flatMap(({ detail, fix }) => [detail, ...fix]),
  ];
  assert.match(stepOf(result, "endpointslices").fix[0], /bound to .*evil/);
  for (const text of texts) {
    assert.doesNotMatch(text ?? "", /s3cr/);
    assert.doesNotMatch(text ?? "", /[\p{Cc}\p{Cf}]/u);
  }
  assert.match(result.version ?? "", /evil rules: x+ Bearer \*\*\*$/);
});

test("nobody there", async () => {
  const server = await new ScriptedServer(() => {}).listen();
  const { port } = server;
  await server.close();
  const result = await checkApi(accessTo(`http://127.0.0.1:${port}`), "prod", deps());
  assert.equal(result.isGood, false);
  assert.equal(result.steps.length, 1);
  assert.equal(result.steps[0].detail, `127.0.0.1:${port}: connection refused`);
  assert.match(
    result.steps[0].fix[0],
    /see that http:\/\/127.0.0.1:\d+ is the API server's address/,
  );
});

test("credentials that cannot be used at all", async () => {
  const access = accessTo("http://127.0.0.1:1", {}, { tokenFile: "/nowhere/token" });
  const result = await checkApi(access, "prod", deps());
  assert.equal(result.isGood, false);
  const { detail } = stepOf(result, "credentials");
  assert.equal(detail, "token file /nowhere/token: cannot be read: no such file");
});

test("a plugin that fails is a fault of the credentials, not of the network", async () => {
  class KubeConfig {
    loadFromOptions() {}
    applyToHTTPSOptions() {
      return Promise.reject(new Error("please log in"));
    }
  }
  const config = new Secret('{"exec":{}}');
  const plugin = { kind: "exec plugin", name: "login", userName: "u", config } as const;
  const server = await new ScriptedServer(() => assert.fail("nothing is sent")).listen();
  const access = accessTo(`http://127.0.0.1:${server.port}`, {}, { plugin });
  const loadClientNode = async () => ({ KubeConfig });
  const { isGood, steps } = await checkApi(access, "prod", { ...deps(), loadClientNode });
  await server.close();
  assert.equal(isGood, false);
  assert.deepEqual(
    steps.map(({ name, detail }) => `${name}: ${detail}`),
    ["credentials: exec plugin login: it failed: please log in"],
  );
  assert.match(steps[0].fix[0], /renew the credentials \(exec plugin login\)/);
});
