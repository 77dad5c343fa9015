/**
 * Services as a configuration: which ports are listeners, at which addresses, and what stays the
 * same object when another Service changes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkObject,
  type ObjectListener,
  type ObjectSource,
  type Resolver,
  type Service,
} from "../../discovery/index.ts";
import { serviceMesh } from "./config.ts";
import { ServiceMeshSource } from "./source.ts";

function service(spec: Record<string, unknown>): Service {
  const metadata = { name: "echo", namespace: "prod", uid: "u", resourceVersion: "1" };
  const checked = checkObject("Service", { metadata, spec });
  assert.ok("object" in checked, JSON.stringify(checked));
  return checked.object as Service;
}

const asked: string[] = [];
const newResolver = (target: string): Resolver => {
  asked.push(target);
  return { target, start: () => {}, resolveNow: () => {}, close: () => {} };
};

function listenersOf(spec: Record<string, unknown>): string[] {
  return serviceMesh(service(spec), newResolver).listeners.map(
    ({ name, address }) => `${name} at ${address?.host}:${address?.port}`,
  );
}

const IP = "10.96.0.7";

test("a port speaks gRPC by its appProtocol or its name, and by nothing else", () => {
  const ports = [
    { name: "grpc", port: 1 },
    { name: "grpc-web", port: 2 },
    { name: "a", port: 3, appProtocol: "grpc" },
    { name: "b", port: 4, appProtocol: "kubernetes.io/h2c" },
    { name: "c", port: 5, appProtocol: "kubernetes.io/ws" },
    { name: "grpcx", port: 6 },
    { name: "grpc-udp", port: 7, protocol: "UDP" },
    { name: "http", port: 8 },
  ];
  assert.deepEqual(
    listenersOf({ clusterIP: IP, ports }),
    [1, 2, 3, 4].map((port) => `prod/echo:${port} at ${IP}:${port}`),
  );
});

test("both families of a dual-stack Service lead to one cluster", () => {
  const spec = { clusterIP: IP, clusterIPs: [IP, "fd00::7"], ports: [{ name: "grpc", port: 80 }] };
  const { listeners, clusters } = serviceMesh(service(spec), newResolver);
  assert.deepEqual(
    listeners.map(({ address }) => address?.host),
    [IP, "fd00::7"],
  );
  assert.deepEqual(
    clusters.map(({ name }) => name),
    ["prod/echo:80"],
  );
  clusters[0]!.newResolver();
  assert.equal(asked.at(-1), "kubernetes:///echo.prod:80");
});

test("a Service without a ClusterIP has no listener: its name leads to pods", () => {
  const ports = [{ name: "grpc", port: 80 }];
  assert.deepEqual(listenersOf({ clusterIP: "None", ports }), []);
  assert.deepEqual(listenersOf({ ports }), []);
  assert.deepEqual(listenersOf({ type: "ExternalName", externalName: "a.example", ports }), []);
});

// When the API server came back before it had told all, a part of the Services was taken for the
// whole: captured connections to the others passed by.
test("an API server that is back is no news before all Services are known", () => {
  const told: (number | string)[] = [];
  let heard: ObjectListener<Service> | null = null;
  const objects: ObjectSource = {
    description: "scripted",
    defaultNamespace: "default",
    watch: (_query, listener) => {
      heard = listener as unknown as ObjectListener<Service>;
      return { close: () => {} };
    },
    close: () => {},
  };
  const source = new ServiceMeshSource(objects, newResolver);
  source.start({
    onConfig: ({ listeners }) => told.push(listeners.length),
    onError: (reason) => told.push(reason),
  });
  const object = service({ clusterIP: IP, ports: [{ name: "grpc", port: 80 }] });
  heard!.onChanges([{ type: "upsert", object }], false);
  heard!.onProblem({ kind: "unreachable", reason: "away" });
  heard!.onRecovered();
  assert.deepEqual(told, ["away"]);
  heard!.onChanges([], true);
  heard!.onRecovered();
  assert.deepEqual(told, ["away", 1, 1]);
});
