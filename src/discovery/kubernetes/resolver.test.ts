/** Tests of the resolver: when a set is yielded, what is said when the source is away, and DNS. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScriptedSource } from "../../../test/support/object-source.ts";
import { RecordingLogger, seededRng, VirtualClock } from "../../base/index.ts";
import { FakeDns, settled } from "../dns/fake-dns-suite.ts";
import {
  createResolver,
  DnsNames,
  type EndpointSet,
  type ObjectQuery,
  type Place,
  type Resolver,
} from "../index.ts";

interface Options {
  readonly target?: string;
  readonly place?: Place;
  readonly forbidden?: (query: ObjectQuery) => boolean;
}

/** A resolver on a scripted source: `heard` is what its listener was told. */
class Harness {
  readonly clock = new VirtualClock();
  readonly log = new RecordingLogger();
  readonly heard: (EndpointSet | string)[] = [];
  readonly dns = new FakeDns();
  readonly source: ScriptedSource;
  readonly resolver: Resolver;

  constructor({ target = "kubernetes:///echo:grpc", place, forbidden }: Options = {}) {
    this.source = new ScriptedSource(this.clock, forbidden);
    this.dns.name("api.example").a = ["127.0.0.9"];
    const rng = seededRng(1);
    this.resolver = createResolver(target, {
      clock: this.clock,
      rng,
      log: this.log,
      dns: new DnsNames({ clock: this.clock, rng, system: this.dns }),
      place,
      objects: () => this.source,
    });
  }

  start(): this {
    this.resolver.start({
      onEndpoints: (set) => this.heard.push(set),
      onError: (reason) => this.heard.push(reason),
    });
    this.clock.advance(0);
    return this;
  }

  slice(name: string, ...ips: string[]): void {
    this.source.put("EndpointSlice", {
      metadata: { name, labels: { "kubernetes.io/service-name": "echo" } },
      addressType: "IPv4",
      ports: [{ name: "grpc", port: 50051 }],
      endpoints: ips.map((ip) => ({ addresses: [ip], hints: { forZones: [{ name: ip }] } })),
    } as { metadata: object });
  }

  /** A pod with an address of each family. */
  dualStack(): void {
    const both = { IPv4: "10.0.0.1", IPv6: "fd00::1" };
    for (const [addressType, ip] of Object.entries(both)) {
      this.source.put("EndpointSlice", {
        metadata: {
          name: addressType.toLowerCase(),
          labels: { "kubernetes.io/service-name": "echo" },
        },
        addressType,
        ports: [{ name: "grpc", port: 50051 }],
        endpoints: [{ addresses: [ip], targetRef: { kind: "Pod", name: "echo-1", uid: "1" } }],
      } as { metadata: object });
    }
  }

  service(spec: object = {}): void {
    this.source.put("Service", { metadata: { name: "echo" }, spec } as { metadata: object });
  }

  node(zone: string): void {
    const labels = { "topology.kubernetes.io/zone": zone };
    this.source.put("Node", { metadata: { name: "node-a", namespace: null, labels } });
  }

  tell(): void {
    this.source.tellAll();
    this.clock.advance(0);
  }

  watch(kind: string): ScriptedSource["watches"][number] {
    return this.source.watches.find(({ query }) => query.kind === kind)!;
  }

  /** What was heard since the last time, in short. */
  take(): string[] {
    return this.heard.splice(0).map((each) => {
      if (typeof each === "string") return `error: ${each}`;
      const { endpoints, reason, isStale } = each;
      const text = reason ?? endpoints.map(({ address }) => address).join(" ");
      return isStale ? `${text}, stale` : text;
    });
  }

  end(): void {
    this.resolver.close();
    this.resolver.close();
    assert.equal(this.source.watches.length, 0);
    assert.equal(this.clock.pendingCount, 0);
    this.clock.advance(60_000);
    assert.deepEqual(this.heard, []);
  }
}

test("a set is yielded once all slices and the Service are known, and then for each change", () => {
  const h = new Harness();
  h.slice("a", "10.0.0.1");
  h.service();
  h.start();
  assert.deepEqual(h.take(), ["10.0.0.1:50051"]);
  assert.deepEqual(h.source.begun, ["EndpointSlice prod * echo", "Service prod echo *"]);
  h.slice("b", "10.0.0.2");
  h.tell();
  assert.deepEqual(h.take(), ["10.0.0.1:50051 10.0.0.2:50051"]);
  h.source.delete("EndpointSlice", "a");
  h.tell();
  assert.deepEqual(h.take(), ["10.0.0.2:50051"]);
  h.end();
});

test("nothing is yielded before the last page of the list, nor before the Service is known", () => {
  const h = new Harness();
  h.slice("a", "10.0.0.1");
  h.slice("b", "10.0.0.2");
  h.resolver.start({
    onEndpoints: (set) => h.heard.push(set),
    onError: (reason) => h.heard.push(reason),
  });
  const [a, b] = h.source.truth("EndpointSlice");
  const { listener } = h.watch("EndpointSlice");
  h.watch("EndpointSlice").isAway = true; // The lists are told by hand.
  h.watch("Service").isAway = true;
  listener.onChanges([{ type: "upsert", object: a }], false);
  h.clock.advance(0);
  h.watch("Service").listener.onChanges([], false);
  h.clock.advance(0);
  assert.deepEqual(h.take(), []);
  listener.onChanges([{ type: "upsert", object: b }], true);
  h.clock.advance(0);
  assert.deepEqual(h.take(), []);
  h.watch("Service").listener.onChanges([], true);
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["10.0.0.1:50051 10.0.0.2:50051"]);
  h.end();
});

test("what comes in one turn is one set, and what changes nothing is none", () => {
  const h = new Harness().start();
  assert.deepEqual(h.take(), ["service prod/echo does not exist"]);
  h.slice("a", "10.0.0.1");
  h.slice("b", "10.0.0.2");
  h.service({ ports: [{ name: "grpc", port: 80 }] });
  h.tell();
  assert.deepEqual(h.take(), ["10.0.0.1:50051 10.0.0.2:50051"]);
  h.slice("b", "10.0.0.2");
  h.service({ ports: [{ name: "grpc", port: 81 }] });
  h.tell();
  assert.deepEqual(h.take(), []);
  h.end();
});

test("a Service without slices, and one that does not exist, are empty for different reasons", () => {
  const h = new Harness({ target: "kubernetes://prod/echo:80" });
  h.service();
  h.start();
  assert.deepEqual(h.take(), ["service prod/echo has no endpoints"]);
  h.source.delete("Service", "echo");
  h.tell();
  assert.deepEqual(h.take(), ["service prod/echo does not exist"]);
  h.slice("a", "10.0.0.1");
  h.tell();
  assert.deepEqual(h.take(), ["10.0.0.1:80"]);
  h.end();
});

test("a Service that may not be read is one line in the log, and its port is the pod's", () => {
  const h = new Harness({
    target: "kubernetes:///echo:81",
    forbidden: ({ kind }) => kind === "Service",
  });
  h.slice("a", "10.0.0.1");
  h.start();
  assert.deepEqual(h.take(), ["10.0.0.1:81"]);
  h.source.fail(h.watch("Service"), "forbidden", "may not watch Service");
  h.tell();
  assert.deepEqual(
    h.log.entries.filter(({ level }) => level !== "debug"),
    [
      {
        level: "warn",
        msg: "the Service cannot be read, going on without",
        fields: { target: "kubernetes:///echo:81", reason: "may not watch Service" },
      },
    ],
  );
  h.service({ ports: [{ name: "grpc", port: 81 }] });
  h.source.recover(h.watch("Service"));
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["10.0.0.1:50051"]);
  // Taken away again: what was known stays in use.
  h.source.fail(h.watch("Service"), "forbidden", "may not watch Service");
  h.tell();
  assert.deepEqual(h.take(), []);
  h.end();
});

test("while the API server is away nothing changes but the reason; its return is told", () => {
  const h = new Harness();
  h.slice("a", "10.0.0.1");
  h.start();
  h.take();
  h.source.fail(h.watch("EndpointSlice"), "unreachable", "no answer");
  h.source.fail(h.watch("Service"), "unreachable", "no answer");
  h.clock.advance(600_000);
  assert.deepEqual(h.take(), ["error: no answer"]);
  h.source.fail(h.watch("EndpointSlice"), "unauthorized", "the token is not accepted");
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["error: the token is not accepted"]);
  h.source.recover(h.watch("EndpointSlice"));
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["error: no answer"]); // The Service is still away.
  h.source.recover(h.watch("Service"));
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["10.0.0.1:50051"]);
  h.source.recover(h.watch("Service"));
  h.clock.advance(0);
  assert.deepEqual(h.take(), []);
  h.end();
});

test("what changed meanwhile comes as a stale set until the last watch is back, and not before", () => {
  const h = new Harness();
  h.slice("a", "10.0.0.1");
  h.start();
  h.take();
  h.source.fail(h.watch("EndpointSlice"), "unreachable", "no answer");
  h.source.fail(h.watch("Service"), "unreachable", "no answer");
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["error: no answer"]);
  h.slice("b", "10.0.0.2");
  h.source.recover(h.watch("EndpointSlice"));
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["10.0.0.1:50051 10.0.0.2:50051, stale"]);
  h.slice("b", "10.0.0.3");
  h.tell();
  assert.deepEqual(h.take(), ["10.0.0.1:50051 10.0.0.3:50051, stale"], "the reason is the same");
  h.source.recover(h.watch("Service"));
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["10.0.0.1:50051 10.0.0.3:50051"]);
  h.end();
});

test("when the first answer is an error there is no set until there is a real one", () => {
  const h = new Harness({ forbidden: ({ kind }) => kind === "EndpointSlice" }).start();
  assert.deepEqual(h.take(), ["error: may not watch EndpointSlice"]);
  h.slice("a", "10.0.0.1");
  h.source.recover(h.watch("EndpointSlice"));
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["10.0.0.1:50051"]);
  h.end();
});

test("our zone is that of the Node, from the first set on, and follows it", () => {
  const h = new Harness({ place: { node: "node-a", zone: null } });
  h.slice("a", "10.0.0.1", "10.0.0.2");
  h.node("10.0.0.2");
  h.start();
  assert.deepEqual(h.take(), ["10.0.0.2:50051"]);
  assert.equal(h.source.begun[2], "Node  node-a *");
  h.node("10.0.0.1");
  h.tell();
  assert.deepEqual(h.take(), ["10.0.0.1:50051"]);
  h.end();
});

test("a set says where we are, and is told anew when only that has changed", () => {
  const h = new Harness({ place: { node: "node-a", zone: null } });
  h.source.put("EndpointSlice", {
    metadata: { name: "a", labels: { "kubernetes.io/service-name": "echo" } },
    addressType: "IPv4",
    ports: [{ name: "grpc", port: 50051 }],
    endpoints: [{ addresses: ["10.0.0.1"], zone: "z2" }],
  } as { metadata: object });
  h.node("z1");
  h.start();
  const places = () => h.heard.splice(0).map((each) => typeof each === "object" && each.place);
  assert.deepEqual(places(), [{ node: "node-a", zone: "z1", hints: null }]);
  h.node("z2");
  h.tell();
  assert.deepEqual(places(), [{ node: "node-a", zone: "z2", hints: null }]);
  h.end();
});

test("a Node that may not be read is one line in the log, and there is no zone", () => {
  const h = new Harness({
    place: { node: "node-a", zone: null },
    forbidden: ({ kind }) => kind === "Node",
  });
  h.slice("a", "10.0.0.1", "10.0.0.2");
  h.start();
  assert.deepEqual(h.take(), ["10.0.0.1:50051 10.0.0.2:50051"]);
  assert.deepEqual(
    h.log.lines.filter((line) => line.startsWith("warn")),
    ["warn: our zone is not known"],
  );
  h.end();
});

test("a Node that does not exist has no zone", () => {
  const h = new Harness({ place: { node: "node-a", zone: null } });
  h.slice("a", "10.0.0.1", "10.0.0.2");
  h.start();
  assert.deepEqual(h.take(), ["10.0.0.1:50051 10.0.0.2:50051"]);
  h.end();
});

test("a zone that is given is used, and the Node is not asked for", () => {
  const h = new Harness({ place: { node: "node-a", zone: "10.0.0.1" } });
  h.slice("a", "10.0.0.1", "10.0.0.2");
  h.start();
  assert.deepEqual(h.take(), ["10.0.0.1:50051"]);
  assert.equal(h.source.begun.length, 2);
  h.end();
});

test("a pod with two addresses is reached by the family that has a route, from the first set on", async () => {
  const h = new Harness();
  h.dualStack();
  h.dns.unroutable = ["10."];
  h.start();
  await settled();
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["[fd00::1]:50051"]);
  // A lost connection is a hint to look again, at most once a second.
  h.dns.unroutable = [];
  h.resolver.resolveNow();
  await settled();
  h.clock.advance(0);
  assert.deepEqual(h.take(), []);
  h.clock.advance(1000);
  h.resolver.resolveNow();
  await settled();
  h.clock.advance(0);
  assert.deepEqual(h.take(), ["10.0.0.1:50051"]);
  h.end();
});

test("closed while routes are asked for, it says nothing", async () => {
  const h = new Harness();
  h.dualStack();
  h.start();
  h.resolver.close();
  await settled();
  h.end();
});

test("an FQDN slice is told once", () => {
  const h = new Harness();
  const fqdn = {
    metadata: { name: "f", labels: { "kubernetes.io/service-name": "echo" } },
    addressType: "FQDN",
    endpoints: [{ addresses: ["a.example"] }],
  };
  h.source.put("EndpointSlice", fqdn);
  h.start();
  h.source.put("EndpointSlice", fqdn);
  h.tell();
  assert.deepEqual(h.take(), [
    "none of 1 endpoints of service prod/echo is usable: 1 address type FQDN is not supported",
  ]);
  const told = h.log.entries.filter(({ msg }) => msg.startsWith("EndpointSlice skipped"));
  assert.deepEqual(
    told.map(({ fields }) => fields.slice),
    ["f"],
  );
  h.end();
});

test("an ExternalName is resolved by DNS, and left when the Service is another", async () => {
  const h = new Harness({ target: "kubernetes:///echo:443" });
  h.slice("a", "10.0.0.1");
  h.service({ type: "ExternalName", externalName: "api.example" });
  h.start();
  await settled();
  const asked = ["A api.example @ 10.0.0.53", "AAAA api.example @ 10.0.0.53"];
  assert.deepEqual(h.dns.asked, asked);
  const [set] = h.heard as EndpointSet[];
  assert.deepEqual(set.notes, [
    "service prod/echo is an ExternalName: by DNS, dns:///api.example.:443",
  ]);
  assert.deepEqual(h.take(), ["127.0.0.9:443"]);
  h.service({ type: "ExternalName", externalName: "api.example", ports: [{ port: 1 }] });
  h.tell();
  await settled();
  assert.equal(h.dns.asked.length, 2); // The name is the same: no new lookup.
  h.service({ type: "ExternalName", externalName: "127.0.0.8" });
  h.tell();
  assert.deepEqual(h.take(), ["127.0.0.8:443"]);
  h.service();
  h.tell();
  assert.deepEqual(h.take(), ["10.0.0.1:443"]);
  h.end();
});

for (const [name, externalName, says] of [
  ["that DNS knows", "api.example", "127.0.0.9:443"],
  ["that is no name", "-a", 'service prod/echo: target "dns:///-a.:443": "-a." is not a host name'],
] as const) {
  test(`of an ExternalName ${name}, too, the loss of the API server is told, and its end`, async () => {
    const h = new Harness({ target: "kubernetes:///echo:443" });
    h.service({ type: "ExternalName", externalName });
    h.start();
    await settled();
    assert.deepEqual(h.take(), [says]);
    for (let i = 0; i < 2; i += 1) {
      h.source.fail(h.watch("EndpointSlice"), "unreachable", "no answer");
      h.source.fail(h.watch("Service"), "unreachable", "no answer");
      h.tell();
      assert.deepEqual(h.take(), ["error: no answer"]);
      h.source.recover(h.watch("EndpointSlice"));
      h.tell();
      assert.deepEqual(h.take(), []);
      h.source.recover(h.watch("Service"));
      h.tell();
      assert.deepEqual(h.take(), [says]);
    }
    h.end();
  });
}

test("a new answer of DNS while the API server is away is stale", async () => {
  const h = new Harness({ target: "kubernetes:///echo:443" });
  h.service({ type: "ExternalName", externalName: "api.example" });
  h.start();
  await settled();
  h.source.fail(h.watch("Service"), "unreachable", "no answer");
  h.tell();
  h.dns.name("api.example").a = ["127.0.0.7"];
  h.clock.advance(6000);
  await settled();
  assert.deepEqual(h.take(), ["127.0.0.9:443", "error: no answer", "127.0.0.7:443, stale"]);
  h.dns.name("api.example").a = "ESERVFAIL";
  h.dns.name("api.example").aaaa = "ESERVFAIL";
  h.clock.advance(6000);
  await settled();
  h.source.recover(h.watch("Service"));
  h.tell();
  assert.match(h.take().join(), /^error: .*api\.example/);
  h.end();
});

const NAMED: readonly (readonly [target: string, spec: object, says: string])[] = [
  ["kubernetes:///echo", { externalName: "127.0.0.9", ports: [{ port: 7 }] }, "127.0.0.9:7"],
  [
    "kubernetes:///echo:grpc",
    {
      externalName: "127.0.0.9",
      ports: [
        { name: "x", port: 7 },
        { name: "grpc", port: 8 },
      ],
    },
    "127.0.0.9:8",
  ],
  [
    "kubernetes:///echo",
    { externalName: "a.example" },
    "service prod/echo is an ExternalName without TCP ports: give the target a number",
  ],
  [
    "kubernetes:///echo:grpc",
    { externalName: "a.example" },
    'service prod/echo is an ExternalName without a TCP port "grpc": give the target a number',
  ],
  [
    "kubernetes:///echo",
    {
      externalName: "127.0.0.9",
      ports: [
        { name: "dns", port: 53, protocol: "UDP" },
        { name: "grpc", port: 8 },
      ],
    },
    "127.0.0.9:8",
  ],
  ["kubernetes:///echo:1", {}, "service prod/echo is an ExternalName that names nothing"],
  [
    "kubernetes:///echo:1",
    { externalName: "-a" },
    'service prod/echo: target "dns:///-a.:1": "-a." is not a host name',
  ],
];

for (const [target, spec, says] of NAMED) {
  test(`ExternalName ${JSON.stringify(spec)} of ${target}: ${says}`, () => {
    const h = new Harness({ target });
    h.service({ type: "ExternalName", ...spec });
    h.start();
    assert.deepEqual(h.take(), [says]);
    h.end();
  });
}

test("closed before anything was said, it says nothing", () => {
  const h = new Harness();
  h.slice("a", "10.0.0.1");
  h.resolver.start({ onEndpoints: () => assert.fail(), onError: assert.fail });
  h.resolver.resolveNow();
  h.end();
});

test("without a source of objects a kubernetes target is refused", () => {
  const deps = { clock: new VirtualClock(), rng: seededRng(1), log: new RecordingLogger() };
  assert.throws(() => createResolver("kubernetes:///echo", deps), {
    name: "TargetError",
    message: 'target "kubernetes:///echo": there is no source of Kubernetes objects here',
  });
});

const ANNOTATION = "fairlead.dev/service-config";

test("the Service's annotation is the service config; a malformed one says where it is", () => {
  const h = new Harness().start();
  h.slice("a", "10.0.0.1");
  const annotate = (text: unknown, labels = {}) => {
    const metadata = { name: "echo", labels, annotations: { [ANNOTATION]: text } };
    h.source.put("Service", { metadata, spec: {} } as { metadata: object });
    h.tell();
    return (h.heard.splice(0) as EndpointSet[]).map(({ serviceConfig }) => serviceConfig);
  };
  const json = { loadBalancingConfig: [{ round_robin: {} }] };
  assert.deepEqual(annotate(JSON.stringify(json)).at(-1), { json });
  assert.deepEqual(annotate(JSON.stringify(json), { a: "b" }), [], "it says the same");
  const about = `service prod/echo: annotation ${ANNOTATION}`;
  const [notJson] = annotate("{");
  assert.match((notJson as { error: string }).error, new RegExp(`^${about} is not JSON: `));
  assert.deepEqual(annotate("[]"), [{ error: `${about} must be a JSON object` }]);
  assert.deepEqual(annotate(7), [{ error: `${about} must be a string` }]);
  const long = " ".repeat(65_537);
  assert.deepEqual(annotate(long), [{ error: `${about} has 65537 characters, more than 65536` }]);
  const deep = `{"a": ${"[".repeat(7_000)}${"]".repeat(7_000)}}`;
  assert.deepEqual(annotate(deep), [{ error: `${about} is nested deeper than 100 levels` }]);
  h.service();
  h.tell();
  const [last] = h.heard.splice(0) as EndpointSet[];
  assert.equal(last.serviceConfig, undefined);
  assert.equal(last.endpoints.length, 1);
  h.end();
});

test("an ExternalName has its annotation too, and a new one is told at once", async () => {
  const h = new Harness({ target: "kubernetes:///echo:80" }).start();
  const name = (choice: number) => {
    const annotations = { [ANNOTATION]: JSON.stringify({ choice }) };
    const spec = { type: "ExternalName", externalName: "api.example" };
    h.source.put("Service", { metadata: { name: "echo", annotations }, spec } as {
      metadata: object;
    });
  };
  name(1);
  h.tell();
  await settled();
  name(2);
  h.tell();
  const configs = (h.heard.splice(0) as EndpointSet[]).map(({ serviceConfig }) => serviceConfig);
  assert.deepEqual(configs.slice(-2), [{ json: { choice: 1 } }, { json: { choice: 2 } }]);
  h.end();
});
