/**
 * `fairlead/testing`: whatever is wrong is refused in one sentence, where it is said; a test must
 * not pass because its fault was spelt so that it meets nothing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  say,
  startApiServer,
  startTestCluster,
  type TestApiServer,
} from "../../src/testing/public.ts";

/** What is wrong, and the sentence about it. */
const WRONG: readonly (readonly [(api: TestApiServer) => unknown, string])[] = [
  [
    (api) => api.addService("a", { prt: 80 } as object),
    'addService("a"): unknown option prt: allowed are namespace, port, portName, clusterIp',
  ],
  [(api) => api.addService("a", { port: 0 }), "port: 0, must be a whole number from 1 to 65535"],
  [
    (api) => api.addService("A"),
    'Service "A" is invalid: metadata.name: Invalid value: "A": a lowercase RFC 1123 label',
  ],
  [
    (api) => api.addService("b").addPod("localhost:80"),
    'addPod: "localhost:80", must be IP:PORT or [IPV6]:PORT',
  ],
  [(api) => api.addService("c").addPod({} as never), "addPod: undefined, must be IP:PORT"],
  [
    (api) => {
      const service = api.addService("d");
      service.addPod({ address: "127.0.0.1:80", name: "twice" });
      service.addPod({ address: "127.0.0.1:81", name: "twice" });
    },
    'pods "twice" already exists',
  ],
  [
    (api) => api.setFault({ kind: "explode" } as never),
    'fault "explode": must be one of hang, reset, gone, throttle, error, slow, reorder',
  ],
  [
    (api) => api.setFault({ kind: "gone", times: 1 } as never),
    "setFault: unknown option times: allowed are kind, verbs",
  ],
  [(api) => api.setFault("gone" as never), 'setFault: "gone", must be an object'],
  [(api) => api.apply({ kind: "Pod" }), "apply: the object must have a kind and a metadata.name"],
  [(api) => api.apply(null as never), "apply: null, must be an object"],
  // Each of these was taken, and did nothing: a test passed without its fault.
  [
    (api) => api.setFault({ kind: "error", count: -1 }),
    "count: -1, must be a whole number from 1 to 1000000",
  ],
  [(api) => api.setFault({ kind: "error", count: 1.5 }), "count: 1.5, must be a whole number"],
  [(api) => api.setFault({ kind: "error", count: "1" } as never), 'count: "1", must be a whole'],
  [
    (api) => api.setFault({ kind: "error", verbs: "get" } as never),
    'verbs: "get", must be a list, such as ["get"]',
  ],
  [
    (api) => api.setFault({ kind: "error", resources: ["wombats"] }),
    'resources: "wombats", must be of namespaces, nodes, pods, services',
  ],
  [(api) => api.setFault({ kind: "error", verbs: [] }), "verbs: an empty list meets no request"],
  [
    (api) => api.setFault({ kind: "throttle", retryAfterSeconds: 1e12 }),
    "retryAfterSeconds: 1000000000000, must be a whole number from 0 to 86400",
  ],
  [
    (api) => api.setFault({ kind: "slow", bytes: 0, intervalMs: -1 }),
    "bytes: 0, must be a whole number from 1 to 1000000",
  ],
  [
    (api) => api.setFault({ kind: "slow", intervalMs: -1 }),
    "intervalMs: -1, must be a whole number from 0 to 600000",
  ],
  [
    (api) => api.setFault({ kind: "gone", asEvent: "yes" } as never),
    'asEvent: "yes", must be true or false',
  ],
  [(api) => api.clearFaults("nope" as never), 'fault "nope": must be one of hang, reset'],
  [
    (api) => api.addService("e", { clusterIp: "zzz" }),
    'clusterIp: "zzz", must be "None" or an IP address',
  ],
  [
    (api) => api.addService("e", { annotations: { a: 5 } } as never),
    "annotations: a: 5, must be a string",
  ],
  [
    (api) => api.addService("e", { annotations: [] } as never),
    "annotations: [], must be an object",
  ],
  [(api) => api.addService("e", { namespace: 5 } as never), "namespace: 5, must be a string"],
  [
    (api) => api.addService("e").addPod({ address: "127.0.0.1:80", isReady: "no" } as never),
    'isReady: "no", must be true or false',
  ],
];

test("what is wrong is said in a sentence, and nothing is half done", async (t) => {
  const api = await startApiServer();
  t.after(() => api.close());
  for (const [use, message] of WRONG) {
    assert.throws(
      () => use(api),
      (error: Error) => {
        assert.ok(error.message.startsWith(message), error.message);
        return true;
      },
    );
  }
  // Every fault of the declarations is one that the server knows.
  for (const kind of ["hang", "reset", "slow", "reorder", "no-bookmarks", "no-streaming-list"]) {
    api.setFault({ kind } as never);
  }
});

test("what is wrong with DNS is said in a sentence", async (t) => {
  const api = await startApiServer();
  t.after(() => api.close());
  const dns = await api.startDns();
  const orders = api.addService("orders", { namespace: "prod" });
  const refuses = (use: () => unknown, message: string): void => {
    assert.throws(use, new RangeError(message));
  };
  refuses(() => dns.lie("orders", []), 'lie: "orders", must be SERVICE.NAMESPACE');
  refuses(() => dns.lie("orders.prod", ["localhost"]), 'lie: "localhost", must be an IP address');
  refuses(
    () => dns.lie("orders.prod", "127.0.0.1" as never),
    'lie: "127.0.0.1", must be a list of IP addresses',
  );
  // A slip in the name, and the test passed, because nobody was lied to.
  refuses(() => dns.lie("order.prod", []), 'lie: "order.prod", no such Service');
  refuses(() => dns.tellTruth("order.prod"), 'tellTruth: "order.prod", no such Service');
  dns.tellTruth("orders.prod");
  dns.lie("orders.prod", ["127.0.7.3"]);
  orders.remove();
  dns.tellTruth("orders.prod");
  refuses(
    () => dns.setFault({ kind: "slow", delayMs: -1 }),
    "delayMs: -1, must be a whole number from 0 to 600000",
  );
  const kinds = "servfail, refused, timeout, slow, truncate";
  refuses(() => dns.setFault({ kind: "gone" } as never), `fault "gone": must be one of ${kinds}`);
  refuses(
    () => dns.setFault({ kind: "servfail", type: "ZZZ" }),
    'type: "ZZZ", must be one of A, AAAA, ANY, CNAME, MX, NS, PTR, SOA, SRV, TXT',
  );
  refuses(() => dns.setFault({ kind: "servfail", name: 5 } as never), "name: 5, must be a string");
  refuses(() => dns.target(5 as never, 80), "target: 5, must be a string");
});

test("what is wrong with a cluster is said in a sentence, and changes no pod", async (t) => {
  const cluster = await startTestCluster({ pods: 1 });
  t.after(() => cluster.close());
  const flag = (what: string): RangeError => new RangeError(`${what}: "no", must be true or false`);
  const factor = 'slow: "5", must be a number from 1 to 10000';
  assert.throws(() => cluster.slow("echo-1", "5" as never), new RangeError(factor));
  assert.throws(() => cluster.sick("echo-1", "no" as never), flag("sick"));
  await assert.rejects(cluster.notServing("echo-1", "no" as never), flag("notServing"));
  const listener = "onChange: 5, must be a function";
  assert.throws(() => cluster.onChange(5 as never), new RangeError(listener));
  assert.throws(() => say.encode(5 as never), new RangeError("say: 5, must be a string"));
  // The array was shown as nothing: "startTestCluster: , must be an object".
  const list = "startTestCluster: [], must be an object";
  await assert.rejects(startTestCluster([] as never), new RangeError(list));
});
