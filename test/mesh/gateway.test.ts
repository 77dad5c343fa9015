/**
 * The scenario of Google's grpc-gke-nlb-tutorial with real processes: TLS in front, two services by
 * path, calls in turn, pods that say NOT_SERVING left out; and changes of what is served under
 * load.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { Metadata } from "@grpc/grpc-js";
import { ask, until } from "../cli/harness.ts";
import { callApi, Edge, HOSTNAME } from "./edge.ts";

const ECHO = "/api.Echo/Echo";
const REVERSE = "/api.Reverse/Reverse";
const UNIMPLEMENTED = 12;

const edge = new Edge();

before(async () => {
  await edge.startPods(3);
  await edge.writeObjects();
  await edge.startProxy();
});

after(() => edge.close());

test("two services by path behind TLS, each call of one connection to the next pod", async () => {
  const client = edge.client();
  const seen = new Map<string, number>();
  for (let i = 0; i < 30; i += 1) {
    const echo = await callApi(client, ECHO, "hello");
    assert.deepEqual([echo.code, echo.text], [0, "hello"]);
    seen.set(echo.hostname, (seen.get(echo.hostname) ?? 0) + 1);
  }
  assert.deepEqual([...seen.values()], [10, 10, 10], "round robin");
  const reverse = await callApi(client, REVERSE, "hello");
  assert.deepEqual([reverse.code, reverse.text], [0, "olleh"]);
});

test("what no route matches is refused with the reason, and counted", async () => {
  const { code, details } = await callApi(edge.client(), "/api.Nothing/Call", "x");
  assert.equal(code, UNIMPLEMENTED);
  const where = `authority "${HOSTNAME}" and path "/api.Nothing/Call"`;
  assert.equal(details, `fairlead: no route of listener prod/edge:443 matches ${where}`);
  const { body } = await ask(edge.admin, "/metrics");
  assert.match(body, /^fairlead_route_refusals_total\{reason="no_route"\} 1$/m);
  assert.match(body, /^fairlead_lb_endpoints\{grpc_target="prod\/echo:50051",state="ready"\} 3$/m);
});

test("a pod that says NOT_SERVING leaves after two checks, and comes back after two", async () => {
  const client = edge.client();
  const [pod] = edge.pods;
  const isUsed = async (): Promise<boolean> => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => callApi(client, ECHO, "")));
    assert.deepEqual(new Set(answers.map(({ code }) => code)), new Set([0]));
    return answers.some(({ hostname }) => hostname === pod.name);
  };
  assert.equal(await isUsed(), true);
  pod.process.send({ serving: false });
  await until("it gets no calls", async () => !(await isUsed()));
  const { body } = await ask(edge.admin, "/why?target=prod/echo:50051");
  assert.match(body, /pod-1 +UNHEALTHY/);
  pod.process.send({ serving: true });
  await until("it gets calls again", isUsed);
});

test("its readiness as /healthz, for a load balancer in front of it, is that of a pod", async () => {
  const ready = () => ask(edge.admin, "/healthz");
  assert.equal((await ready()).status, 200);
  edge.publish(0);
  await until("it is not ready", async () => (await ready()).status === 503);
  const { body } = await ready();
  assert.match(body, /prod\/(echo|reverse):50051/, body);
  assert.equal((await ask(edge.admin, "/livez")).status, 200);
  edge.publish(edge.pods.length);
  await until("it is again", async () => (await ready()).status === 200);
  assert.equal((await callApi(edge.client(), ECHO, "")).code, 0);
});

test("the admin endpoint shows listeners, routes and each cluster", async () => {
  const json = async (path: string) => JSON.parse((await ask(edge.admin, path)).body);
  const { listeners } = await json("/listeners?format=json");
  const [{ name, address, chains }] = listeners;
  assert.deepEqual([name, address], ["prod/edge:443", edge.address]);
  assert.deepEqual(chains, [
    { serverNames: [HOSTNAME], tls: true, clientCertificates: false, routes: 2 },
  ]);
  const { routes } = await json("/routes?format=json");
  assert.deepEqual(routes.map(({ match }: { match: string }) => match).sort(), [
    "prefix /api.Echo/",
    "prefix /api.Reverse/",
  ]);
  const { clusters } = await json("/clusters?format=json");
  const targets = clusters.map(({ target }: { target: string }) => target);
  assert.deepEqual(targets, ["prod/echo:50051", "prod/reverse:50051"]);
  const why = await json("/why?format=json&target=prod/reverse:50051");
  assert.equal(why.endpoints.length, 3);
  const dumped = JSON.stringify([listeners, routes, clusters]);
  assert.ok(!dumped.includes("PRIVATE KEY") && !dumped.includes("BEGIN"), "nothing secret");
});

test("a server name without a certificate is not served", async () => {
  const [host, port] = edge.address.split(":");
  const ca = edge.authority.cert;
  const socket = connect({
    host,
    port: Number(port),
    ca,
    servername: "other.example",
    ALPNProtocols: ["h2"],
  });
  const error = await new Promise<Error | null>((resolve) => {
    socket.once("error", resolve).once("close", () => resolve(null));
    socket.once("secureConnect", () => resolve(null));
  });
  assert.notEqual(error, null);
  socket.destroy();
});

test("a certificate that is rotated serves new handshakes, and connections stay", async () => {
  const [host, port] = edge.address.split(":");
  const ca = edge.authority.cert;
  const subject = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { host, port: Number(port), ca, servername: HOSTNAME };
      const socket = connect({ ...options, ALPNProtocols: ["h2"] });
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        resolve(socket.getPeerCertificate().subject.CN as string);
        socket.destroy();
      });
    });
  const client = edge.client();
  await callApi(client, ECHO, "");
  const connection = client.getChannel().getChannelzRef();
  assert.equal(await subject(), "first");
  await edge.rotate("second");
  await until("it is shown", async () => (await subject()) === "second");
  assert.equal((await callApi(client, ECHO, "x")).code, 0);
  assert.equal(client.getChannel().getChannelzRef(), connection);
  edge.put("secret.json", {
    ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls" },
    metadata: { name: "edge-tls", namespace: "prod" },
    data: { "tls.crt": btoa("no certificate"), "tls.key": btoa("no key") },
  });
  await edge.proxy.waitFor(/Secret cannot be used; the last good one stays/);
  assert.equal(await subject(), "second");
});

/** Narrower than the example's own match. */
const LOAD = {
  method: { service: "api.Echo", method: "Echo" },
  headers: [{ name: "x-load", value: "1" }],
};

function routeTo(backends: object[], filters: object[] = []): object {
  return {
    ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "GRPCRoute" },
    metadata: { name: "load", namespace: "prod" },
    spec: {
      parentRefs: [{ name: "edge" }],
      hostnames: [HOSTNAME],
      rules: [
        {
          matches: [LOAD],
          filters,
          backendRefs: backends,
        },
      ],
    },
  };
}

test("routes change under load without a failed call", async () => {
  const clients = [edge.client(), edge.client()];
  const metadata = new Metadata();
  metadata.set("x-load", "1");
  edge.put("load.json", routeTo([{ name: "echo", port: 50051 }]));
  await until("it is there", async () =>
    (await ask(edge.admin, "/routes")).body.includes("x-load"),
  );
  let isOver = false;
  const failed: string[] = [];
  let calls = 0;
  const seen = new Set<string>();
  const load = async (at: number): Promise<void> => {
    while (!isOver) {
      const { code, details, headers } = await callApi(
        clients[at % 2],
        ECHO,
        "x",
        metadata.clone(),
      );
      calls += 1;
      if (code !== 0) failed.push(details);
      seen.add(String(headers.get("x-step")[0] ?? ""));
    }
  };
  const loads = Array.from({ length: 8 }, (_, at) => load(at));
  const services = ["echo", "reverse"];
  for (let step = 0; step < 6; step += 1) {
    const header = { set: [{ name: "x-step", value: String(step) }] };
    const filter = { type: "ResponseHeaderModifier", responseHeaderModifier: header };
    const backends = [
      { name: services[step % 2], port: 50051, weight: step % 3 === 0 ? 9 : 1 },
      { name: services[(step + 1) % 2], port: 50051, weight: 1 },
    ];
    edge.put("load.json", routeTo(step % 2 === 0 ? backends.slice(0, 1) : backends, [filter]));
    await until(`step ${step} is in force`, () => seen.has(String(step)));
  }
  isOver = true;
  await Promise.all(loads);
  assert.deepEqual(failed, []);
  assert.ok(calls > 100, `${calls} calls`);
});

test("header filters reach the pod and the caller, and a mirror gets its copy", async () => {
  const request = { set: [{ name: "x-from-route", value: "yes" }], remove: ["x-load"] };
  edge.put(
    "load.json",
    routeTo(
      [{ name: "echo", port: 50051 }],
      [
        { type: "RequestHeaderModifier", requestHeaderModifier: request },
        { type: "RequestMirror", requestMirror: { backendRef: { name: "reverse", port: 50051 } } },
      ],
    ),
  );
  const client = edge.client();
  const metadata = new Metadata();
  metadata.set("x-load", "1");
  metadata.set("x-from-route", "forged");
  await until("it is in force", async () => {
    const { headers } = await callApi(client, ECHO, "x", metadata.clone());
    return String(headers.get("x-seen")) === "yes";
  });
  await until("the copy is counted", async () => {
    const { body } = await ask(edge.admin, "/metrics");
    return /^fairlead_mirrored_calls_total\{outcome="answered"\} [1-9]/m.test(body);
  });
});

test("several workers serve one Gateway, whose configuration is found out once", async () => {
  await edge.rotate("third");
  await edge.proxy.stop();
  await edge.startProxy("--workers", "2");
  const clients = Array.from({ length: 4 }, () => edge.client());
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => callApi(clients[i % 4], i % 2 ? ECHO : REVERSE, "ab")),
  );
  assert.deepEqual(
    new Set(answers.map(({ code, text }) => `${code} ${text}`)),
    new Set(["0 ab", "0 ba"]),
  );
  assert.equal(edge.proxy.stderr.split('"msg":"listening"').length, 2, "one line for both");
  const { body } = await ask(edge.admin, "/clusters?format=json");
  const [{ target, endpoints }] = JSON.parse(body).clusters;
  assert.deepEqual([target, endpoints.length], ["prod/echo:50051", 3]);
  // One of them takes another's place.
  const pid = Number(/"workerPid":(\d+)/.exec(edge.proxy.stderr)?.[1]);
  process.kill(pid, "SIGKILL");
  await edge.proxy.waitFor(/another one takes its place/);
  await until("both listen", async () => {
    const { body: metrics } = await ask(edge.admin, "/metrics");
    return /^fairlead_workers 2$/m.test(metrics);
  });
  const again = await Promise.all(
    Array.from({ length: 8 }, () => callApi(edge.client(), ECHO, "x", new Metadata())),
  );
  assert.deepEqual(new Set(again.map(({ code }) => code)), new Set([0]));
});

test("listeners come and go, and what stays keeps its connections", async () => {
  const client = edge.client();
  await callApi(client, ECHO, "x");
  const gateway = (plain: boolean): object => ({
    ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway" },
    metadata: { name: "edge", namespace: "prod" },
    spec: {
      gatewayClassName: "fairlead",
      listeners: [
        {
          ...{ name: "https", port: 443, protocol: "HTTPS", hostname: HOSTNAME },
          tls: { certificateRefs: [{ name: "edge-tls" }] },
        },
        ...(plain ? [{ name: "http", port: 61_234, protocol: "HTTP" }] : []),
      ],
    },
  });
  // The same object in another file would be a second one.
  const path = `${edge.dir}/gateway.yaml`;
  const parts = readFileSync(path, "utf8").split("---\n");
  const write = (plain: boolean): void =>
    writeFileSync(path, [parts[0], `${JSON.stringify(gateway(plain))}\n`, parts[2]].join("---\n"));
  write(true);
  const isThere = async () => (await ask(edge.admin, "/listeners")).body.includes(":61234");
  await until("the second listens", isThere);
  write(false);
  await until("it is gone", async () => !(await isThere()));
  assert.equal((await callApi(client, ECHO, "x")).code, 0);
  const { body } = await ask(edge.admin, "/connections?format=json");
  assert.ok(JSON.parse(body).connections.length > 0);
});
