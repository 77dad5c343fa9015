/** Tests of a proxy of many targets: routing, filters, copies, and configurations that change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../../../test/peers/ports.ts";
import {
  clusterSpec,
  configOf,
  forward,
  listenerOf,
  type MeshHarness,
  route,
  tableOf,
  withMesh,
} from "../../../test/support/mesh-proxy.ts";
import {
  eventually,
  grpcRequest,
  type Pairs,
  type RawConnection,
  type RawOptions,
  type RawServer,
} from "../../../test/support/raw-http2.ts";
import { Status } from "../../grpc/index.ts";
import { CLUSTER_LEAVE_TIMEOUT_MS } from "../../mesh/index.ts";
import { MIRROR_BYTES_MAX, MIRROR_CALLS_MAX, MIRROR_GRACE_MS } from "../routing/mirrors.ts";
import { BIND_RETRY_MS } from "./mesh-listeners.ts";

interface Two {
  readonly servers: readonly [RawServer, RawServer];
  /** The connection of the proxy to each. */
  readonly pods: readonly [RawConnection, RawConnection];
}

/** Clusters "a" and "b", each one server, and a listener "front" with these routes. */
async function twoClusters(
  harness: MeshHarness,
  routes: Parameters<typeof tableOf>[0],
  domains?: readonly string[],
  ofB: RawOptions = {},
): Promise<Two> {
  const servers = [await harness.server(), await harness.server(ofB)] as const;
  const specs = servers.map(({ address }, i) => clusterSpec("ab"[i], address));
  await harness.say([listenerOf("front", tableOf(routes, domains))], specs);
  for (const name of "ab") await harness.untilReady(name, 1);
  const pods = [await servers[0].next(), await servers[1].next()] as const;
  return { servers, pods };
}

const OK: Pairs = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];

test("calls go by path to their clusters, and what no route matches is refused", async () => {
  await withMesh(async (harness) => {
    const routes = [route("/a.A/", forward({ a: 1 })), route("/b.B/", forward({ b: 1 }))];
    const { pods } = await twoClusters(harness, routes);
    const client = await harness.client("front");
    for (const [i, path] of ["/a.A/Do", "/b.B/Do"].entries()) {
      const call = client.request(grpcRequest(path));
      const stream = await pods[i].nextStream();
      assert.equal(stream.get(":path"), path);
      pods[i].respond(stream.id);
      await eventually("the answer", () => call.isEnded);
    }
    const refused = client.request(grpcRequest("/c.C/Do"));
    await eventually("the refusal", () => refused.isEnded);
    assert.equal(refused.get("grpc-status"), String(Status.UNIMPLEMENTED));
    assert.match(refused.get("grpc-message") ?? "", /^fairlead: no route of listener front/);
    const plain = client.request([
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/c"],
      [":authority", "x"],
    ]);
    await eventually("the refusal", () => plain.isEnded);
    assert.equal(plain.get(":status"), "404");
    assert.equal(harness.metric("fairlead_route_refusals_total", { reason: "no_route" }), 2);
  });
});

test("a route that requires TLS sends callers to https, and tells gRPC's that it does", async () => {
  await withMesh(async (harness) => {
    const reason = "calls must come by TLS";
    const refused = { kind: "refuse", status: Status.UNKNOWN, httpStatus: 301, reason } as const;
    await twoClusters(harness, [route("", { ...refused, isMovedToHttps: true })]);
    const client = await harness.client("front");
    const call = client.request(grpcRequest("/a.A/Do"));
    await eventually("the refusal", () => call.isEnded);
    assert.equal(call.get("grpc-status"), String(Status.UNKNOWN));
    assert.match(call.get("grpc-message") ?? "", /: calls must come by TLS$/);
    assert.equal(call.get("location"), null);
    const plain = client.request([
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/c?d=1"],
      [":authority", "x:80"],
    ]);
    await eventually("the redirect", () => plain.isEnded);
    assert.equal(plain.get(":status"), "301");
    assert.equal(plain.get("location"), "https://x:80/c?d=1");
  });
});

test("authorities and paths that callers make up break nothing, and are told in part", async () => {
  await withMesh(async (harness) => {
    await twoClusters(harness, [route("/a.A/", forward({ a: 1 }))], ["good.example"]);
    const client = await harness.client("front");
    const hostile = ["", "*", "GOOD.example.", "[::1", "a".repeat(4_000), "\xff\xfe"];
    for (const authority of hostile) {
      const call = client.request([
        ...grpcRequest("/a.A/Do").filter(([name]) => name !== ":authority"),
        ["host", authority],
      ]);
      await eventually(
        `the refusal of ${authority}`,
        () => call.isEnded || call.resetCode !== null,
      );
      if (call.resetCode !== null) continue; // RFC 9113 §8.3.1: malformed
      assert.equal(call.get("grpc-status"), "12", authority);
      assert.ok((call.get("grpc-message") ?? "").length < 600, "what is told is bounded");
    }
    const unseen = client.request([
      ...grpcRequest("/a.A/Do").filter(([name]) => name !== ":authority"),
      ["host", "a\x9b31m\x85"],
    ]);
    await eventually("the refusal", () => unseen.isEnded || unseen.resetCode !== null);
    assert.match(unseen.get("grpc-message") ?? "", / authority "a\?31m\?" and path /);
    const odd = ["/../a.A/Do", "//a.A/Do", "/a.A", "/%61.A/Do", `/${"x".repeat(9_000)}`];
    for (const path of odd) {
      const call = client.request(
        grpcRequest(path).map(([n, v]) => [n, n === ":authority" ? "good.example" : v] as const),
      );
      await eventually(`the refusal of ${path}`, () => call.isEnded);
      assert.equal(call.get("grpc-status"), "12", path);
    }
    const logged = harness.log.entries.filter(({ msg }) => msg === "call refused");
    assert.equal(logged.length, 1, "one line a second");
  });
});

test("weights share calls, and the share of a backend that is not there is refused", async () => {
  await withMesh(async (harness) => {
    const { pods } = await twoClusters(harness, [route("", forward({ a: 3, "x#Gone": 1 }))]);
    const client = await harness.client("front");
    let refused = 0;
    for (let i = 0; i < 40; i += 1) {
      const call = client.request(grpcRequest());
      await eventually("it went somewhere", () => call.isEnded || pods[0].freshCount > 0);
      if (call.isEnded) {
        refused += 1;
        assert.equal(call.get("grpc-status"), "14");
        assert.match(call.get("grpc-message") ?? "", /cluster x#Gone of route {2}does not exist/);
      } else pods[0].respond((await pods[0].nextStream()).id);
    }
    assert.ok(refused >= 4 && refused <= 18, `${refused} of 40, 10 are expected`);
  });
});

test("header filters change requests and answers, and leave what is not theirs", async () => {
  await withMesh(async (harness) => {
    const request = {
      set: [
        ["x-set", "new"],
        ["content-length", "7"],
        ["te", "gzip"],
        ["x-bad", "a\r\nx-smuggled: 1"],
      ],
      add: [["x-add", "2"]],
      remove: ["x-gone", ":path", "grpc-timeout"],
    } as const;
    const response = { set: [["x-served-by", "front"]], add: [], remove: ["server"] } as const;
    const { pods } = await twoClusters(harness, [
      route("", forward({ a: 1 }, { request, response })),
    ]);
    const client = await harness.client("front");
    const sent: Pairs = [
      ...([
        ["x-set", "1"],
        ["x-set", "2"],
        ["x-add", "1"],
        ["x-gone", "1"],
      ] as const),
      ["grpc-timeout", "5S"],
    ];
    for (let i = 0; i < 3; i += 1) {
      const call = client.request(grpcRequest("/a.A/Do", sent));
      const stream = await pods[0].nextStream();
      const pairs = stream.lists[0].toPairs();
      const values = (name: string) => pairs.filter(([n]) => n === name).map(([, v]) => v);
      assert.deepEqual([values("x-set"), values("x-add")], [["new"], ["1", "2"]]);
      assert.deepEqual([values("x-gone"), values("content-length"), values("x-bad")], [[], [], []]);
      assert.deepEqual([values("te"), values(":path")], [["trailers"], ["/a.A/Do"]]);
      assert.equal(values("grpc-timeout").length, 1);
      pods[0].headers(stream.id, [...OK, ["server", "pod"]]);
      pods[0].headers(stream.id, [["grpc-status", "0"]], true);
      await eventually("the answer", () => call.isEnded);
      assert.deepEqual([call.get("x-served-by"), call.get("server")], ["front", null]);
    }
  });
});

test("a route's time-out and retries hold for its calls", async () => {
  await withMesh(async (harness) => {
    const retryPolicy = {
      ...{ maxAttempts: 2, initialBackoffMs: 100, maxBackoffMs: 100, backoffMultiplier: 1 },
      retryableStatuses: [Status.UNAVAILABLE],
    };
    const routes = [
      route("/a.A/", forward({ a: 1 }, { timeoutMs: 2_000 })),
      route("/b.B/", forward({ b: 1 }, { retryPolicy })),
    ];
    const { pods } = await twoClusters(harness, routes);
    const client = await harness.client("front");
    const slow = client.request(grpcRequest("/a.A/Do"));
    assert.equal((await pods[0].nextStream()).get("grpc-timeout"), "2000m");
    await harness.pass(4_000);
    await eventually("its time is up", () => slow.isEnded);
    assert.equal(slow.get("grpc-status"), String(Status.DEADLINE_EXCEEDED));
    const retried = client.request(grpcRequest("/b.B/Do"));
    const first = await pods[1].nextStream();
    pods[1].headers(first.id, [...OK, ["grpc-status", "14"]], true);
    await harness.pass(1_000);
    pods[1].respond((await pods[1].nextStream()).id);
    await eventually("the second answer", () => retried.isEnded);
    assert.equal(retried.get("grpc-status"), "0");
  });
});

test("a refusing route says its word", async () => {
  await withMesh(async (harness) => {
    const reason = "no backend exists";
    const refuse = { kind: "refuse", status: Status.UNAVAILABLE, httpStatus: 500, reason } as const;
    await twoClusters(harness, [route("", refuse)]);
    const call = (await harness.client("front")).request(grpcRequest());
    await eventually("the refusal", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "14");
    assert.match(call.get("grpc-message") ?? "", /no backend exists/);
    assert.equal(harness.metric("fairlead_route_refusals_total", { reason: "route" }), 1);
  });
});

const MIRRORED = forward({ a: 1 }, { mirrors: [{ cluster: "b", perMillion: 1_000_000 }] });

test("a copy gets the whole request, and its answer goes nowhere", async () => {
  await withMesh(async (harness) => {
    const { pods } = await twoClusters(harness, [route("", MIRRORED)]);
    const client = await harness.client("front");
    const call = client.request(grpcRequest(), false);
    const [main, copy] = [await pods[0].nextStream(), await pods[1].nextStream()];
    client.data(call.id, "hello", true);
    await eventually("both have it", () => main.isEnded && copy.isEnded);
    assert.deepEqual([main.body, copy.body].map(String), ["hello", "hello"]);
    pods[1].respond(copy.id, "13", "nobody reads this");
    pods[0].respond(main.id, "0", "answer");
    await eventually("the answer", () => call.isEnded);
    assert.deepEqual([call.get("grpc-status"), String(call.body)], ["0", "answer"]);
    await eventually("it is over", () => harness.metric("fairlead_mirrored_calls") === 0);
    assert.equal(harness.metric("fairlead_mirrored_calls_total", { outcome: "answered" }), 1);
    assert.equal(harness.metric("fairlead_calls_active"), 0);
  });
});

// Its request was not sent on, nor its stream ended: that held a place among the endpoint's streams
// for as long as the connection.
test("a copy that is answered before its request ends holds no stream", async () => {
  await withMesh(async (harness) => {
    const { pods } = await twoClusters(harness, [route("", MIRRORED)]);
    const client = await harness.client("front");
    const call = client.request(grpcRequest(), false);
    const [main, copy] = [await pods[0].nextStream(), await pods[1].nextStream()];
    pods[1].respond(copy.id, "13", "nobody reads this");
    await eventually("its stream is ended", () => copy.resetCode !== null);
    assert.equal(harness.metric("fairlead_mirrored_calls_total", { outcome: "answered" }), 1);
    client.data(call.id, "hello", true);
    await eventually("the request", () => main.isEnded);
    pods[0].respond(main.id);
    await eventually("the answer", () => call.isEnded);
    assert.deepEqual([call.get("grpc-status"), String(main.body)], ["0", "hello"]);
    assert.equal(harness.metric("fairlead_calls_active"), 0);
  });
});

test("a copy that is not taken is dropped at its bound, and the call goes on", async () => {
  await withMesh(async (harness) => {
    const { pods } = await twoClusters(harness, [route("", MIRRORED)], ["*"], {
      isCrediting: false,
    });
    const client = await harness.client("front");
    const call = client.request(grpcRequest(), false);
    const [main] = [await pods[0].nextStream(), await pods[1].nextStream()];
    const dropped = () => harness.metric("fairlead_mirrored_calls_total", { outcome: "dropped" });
    const held = () => harness.metric("fairlead_mirror_held_bytes");
    const chunk = new Uint8Array(8_192);
    let sent = 0;
    // The copy's windows are never opened again; those of the call are.
    while (dropped() === 0 && sent < 65_535 + MIRROR_BYTES_MAX + 400_000) {
      await eventually("there is window", () => client.window(call.id) >= chunk.length);
      client.data(call.id, chunk);
      sent += chunk.length;
      assert.ok(held() <= MIRROR_BYTES_MAX + chunk.length * 4);
      await eventually("the call has it", () => main.body.length >= sent);
    }
    assert.equal(dropped(), 1);
    assert.equal(held(), 0);
    client.data(call.id, "end", true);
    await eventually("the end", () => main.isEnded);
    pods[0].respond(main.id);
    await eventually("the answer", () => call.isEnded);
    assert.equal(call.get("grpc-status"), "0");
  });
});

test("copies without an answer end after a time, and there are not too many", async () => {
  await withMesh(async (harness) => {
    const { pods } = await twoClusters(harness, [route("", MIRRORED)]);
    const client = await harness.client("front");
    const over = async (): Promise<void> => {
      const call = client.request(grpcRequest());
      pods[0].respond((await pods[0].nextStream()).id);
      await eventually("the answer", () => call.isEnded);
    };
    const open = () => harness.metric("fairlead_mirrored_calls");
    for (let i = 0; i < MIRROR_CALLS_MAX + 5; i += 1) await over();
    assert.equal(open(), MIRROR_CALLS_MAX);
    assert.equal(harness.metric("fairlead_mirrored_calls_total", { outcome: "dropped" }), 5);
    await harness.pass(MIRROR_GRACE_MS + 3_000);
    assert.equal(open(), 0);
    assert.equal(
      harness.metric("fairlead_mirrored_calls_total", { outcome: "cut" }) +
        harness.metric("fairlead_mirrored_calls_total", { outcome: "failed" }),
      MIRROR_CALLS_MAX,
    );
  });
});

test("a new configuration holds for the next call, and a call in flight keeps its cluster", async () => {
  await withMesh(async (harness) => {
    const { servers, pods } = await twoClusters(harness, [route("", forward({ a: 1 }))]);
    const client = await harness.client("front");
    const before = client.request(grpcRequest());
    const stream = await pods[0].nextStream();
    const specs = servers.map(({ address }, i) => clusterSpec("ab"[i], address));
    // The same place: a listener of port 0 is told from others by its name.
    await harness.say([listenerOf("front", tableOf([route("", forward({ b: 1 }))]))], [specs[1]]);
    const next = client.request(grpcRequest());
    pods[1].respond((await pods[1].nextStream()).id);
    await eventually("the answer of b", () => next.isEnded);
    assert.deepEqual(
      harness.proxy.clusters().map(({ target }) => target),
      ["b"],
    );
    await harness.pass(2_000);
    pods[0].respond(stream.id);
    await eventually("the answer of a", () => before.isEnded);
    assert.deepEqual([before.get("grpc-status"), next.get("grpc-status")], ["0", "0"]);
    await harness.pass(2_000);
    await pods[0].closed();
  });
});

test("a cluster that comes back while it leaves keeps its connections; a stuck call is cut", async () => {
  await withMesh(async (harness) => {
    const server = await harness.server();
    const spec = clusterSpec("a", server.address);
    const table = tableOf([route("", forward({ a: 1 }))]);
    await harness.say([listenerOf("front", table)], [spec]);
    await harness.untilReady("a", 1);
    const pod = await server.next();
    const client = await harness.client("front");
    client.request(grpcRequest());
    await pod.nextStream();
    await harness.say([listenerOf("front", table)], []);
    const refused = client.request(grpcRequest());
    await eventually("the refusal", () => refused.isEnded);
    assert.equal(harness.metric("fairlead_route_refusals_total", { reason: "no_cluster" }), 1);
    await harness.say([listenerOf("front", table)], [spec]);
    client.request(grpcRequest());
    await pod.nextStream();
    assert.equal(harness.proxy.clusters()[0].endpoints[0].connections, 1);
    await harness.say([listenerOf("front", table)], []);
    assert.equal(harness.metric("fairlead_calls_active"), 2);
    await harness.pass(CLUSTER_LEAVE_TIMEOUT_MS + 2_000);
    assert.deepEqual(harness.proxy.clusters(), []);
  });
});

test("a hundred listeners and a thousand routes come and go", async () => {
  await withMesh(async (harness) => {
    const server = await harness.server();
    const spec = clusterSpec("a", server.address);
    const routes = Array.from({ length: 1_000 }, (_, i) => route(`/s${i}.S/`, forward({ a: 1 })));
    const listeners = Array.from({ length: 100 }, (_, i) => listenerOf(`l${i}`, tableOf(routes)));
    await harness.say(listeners, [spec]);
    await harness.untilReady("a", 1);
    const pod = await server.next();
    const client = await harness.client("l42");
    const call = client.request(grpcRequest("/s999.S/Do"));
    pod.respond((await pod.nextStream()).id);
    await eventually("the answer", () => call.isEnded);
    assert.equal(harness.proxy.routes().length, 100_000);
    await harness.say(listeners.slice(42, 43), [spec]);
    assert.equal(harness.proxy.listeners().length, 1);
    const again = client.request(grpcRequest("/s0.S/Do"));
    pod.respond((await pod.nextStream()).id);
    await eventually("the answer", () => again.isEnded);
  });
});

test("a listener that cannot be bound is told, tried again, and does not stop others", async () => {
  await withMesh(async (harness) => {
    const { servers } = await twoClusters(harness, [route("", forward({ a: 1 }))]);
    const taken = await harness.server();
    const table = tableOf([route("", forward({ a: 1 }))]);
    const port = Number(taken.address.split(":")[1]);
    const specs = servers.map(({ address }, i) => clusterSpec("ab"[i], address));
    harness.source.listener!.onConfig({
      listeners: [listenerOf("front", table), listenerOf("other", table, port)],
      clusters: new Map(specs.map((spec) => [spec.name, spec])),
    });
    const viewOf = (name: string) => harness.proxy.listeners().find((view) => view.name === name)!;
    await eventually("it is told", () => /in use/.test(viewOf("other").reason));
    assert.equal(harness.proxy.readiness().ready, true);
    await taken.close();
    await harness.pass(BIND_RETRY_MS + 2_000);
    await eventually("it is bound", () => viewOf("other").address !== null);
  });
});

test("of two listeners at one place the first counts, from one configuration to the next", async () => {
  await withMesh(async (harness) => {
    const place = await harness.server();
    const port = Number(place.address.split(":")[1]);
    await place.close();
    const refusing = (reason: string) =>
      tableOf([route("", { kind: "refuse", status: Status.INTERNAL, httpStatus: 500, reason })]);
    const at = (name: string, reason: string) => listenerOf(name, refusing(reason), port);
    await harness.say([at("first", "one"), listenerOf("other", refusing("other"))], []);
    const client = await harness.client("first");
    for (const [winner, loser] of [
      ["one", "two"],
      ["three", "four"],
    ] as const) {
      const listeners = [at("first", winner), at("second", loser)];
      harness.source.listener!.onConfig(configOf(listeners, []));
      const call = client.request(grpcRequest());
      await eventually("the refusal", () => call.isEnded);
      assert.equal(call.get("grpc-message"), `fairlead: route : ${winner}`);
      const shown = harness.proxy.listeners().map(({ name, address }) => [name, address]);
      // The other one is shown, with why it is not served.
      assert.deepEqual(shown, [
        ["first", `127.0.0.1:${port}`],
        ["second", null],
      ]);
    }
    // Both new at once, where nothing is bound.
    harness.source.listener!.onConfig(configOf([], []));
    const bothNew = [at("first", "five"), at("second", "six")];
    harness.bound.clear();
    harness.source.listener!.onConfig(configOf(bothNew, []));
    await eventually("it is bound", () => harness.bound.size > 0);
    assert.deepEqual([...harness.bound.keys()], ["first"]);
    assert.match(harness.proxy.listeners()[1]!.reason!, /is where listener first is$/);
    const problems = harness.log.entries.filter(({ msg }) => msg === "listener cannot be bound");
    assert.deepEqual(problems, []);
  });
});

test("without a configuration, a listener or a cluster it is not ready, and says why", async () => {
  await withMesh(async (harness) => {
    await harness.proxy.listen();
    const reason = () => harness.proxy.readiness().reason;
    assert.equal(reason(), "no configuration of a test yet");
    harness.source.listener!.onError("the API server does not answer");
    assert.match(reason(), /yet: the API server does not answer$/);
    await harness.say([], []);
    assert.equal(reason(), "a test has no listener");
    await harness.say([listenerOf("front", tableOf([]))], []);
    assert.equal(reason(), "no route leads to a cluster");
    await harness.say([listenerOf("front", tableOf([]))], [clusterSpec("a", "127.0.0.1:1")]);
    assert.match(reason(), /^0 of 1 clusters are ready; /);
  });
});

test("a listener that stays the same object is not made anew", async () => {
  await withMesh(async (harness) => {
    const tls = { certificates: [{ cert: "none", key: "none" }], clientCa: null };
    const [chain] = listenerOf("front", tableOf([])).chains;
    const front = { ...listenerOf("front", tableOf([])), chains: [{ ...chain!, tls }] };
    const other = listenerOf("other", tableOf([]));
    await harness.say([front], []);
    await harness.say([front, other], []);
    const told = () => harness.log.entries.filter(({ msg }) => msg.startsWith("certificate"));
    assert.equal(told().length, 1);
    await harness.say([{ ...front }, other], []);
    assert.equal(told().length, 2, "another object is looked at");
  });
});

// Two ports of a Gateway at one "--listen": the second was neither served nor shown, and no line of
// the log named it. A place whose port no listener has was passed over as quietly.
test("a listener at another one's place, and a place that is nobody's, are told once", async () => {
  const at = { host: "127.0.0.1", port: 0 };
  const shared = { host: "127.0.0.1", port: await freePort() };
  const places = [80, 81].map((port) => ({ port, address: shared }));
  await withMesh(
    async (harness) => {
      const table = tableOf([route("/a.A/", forward({ a: 1 }))]);
      const [first, second] = [80, 81].map((port) => listenerOf(`edge:${port}`, table, port));
      await harness.say([first], []);
      const both = { listeners: [first, second], clusters: new Map() };
      harness.source.listener!.onConfig(both);
      harness.source.listener!.onConfig({ ...both, listeners: [first, { ...second }] });
      const reason = `127.0.0.1:${shared.port} is where listener edge:80 is`;
      const warned = harness.log.entries.filter(({ level }) => level === "warn");
      assert.deepEqual(
        warned.map(({ msg, fields }) => [msg, fields.listener ?? fields.place, fields.reason]),
        [
          [
            "place is not used",
            `81=127.0.0.1:${shared.port}`,
            "no listener has port 81; there are listeners of 80",
          ],
          [
            "place is not used",
            "9=127.0.0.1:0",
            "no listener has port 9; there are listeners of 80",
          ],
          ["listener is not served", "edge:81", reason],
        ],
      );
      const [, shown] = harness.proxy.listeners();
      assert.deepEqual([shown?.name, shown?.address, shown?.reason], ["edge:81", null, reason]);
    },
    { places: [...places, { port: 9, address: at }] },
  );
});
