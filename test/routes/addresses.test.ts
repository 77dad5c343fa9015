/**
 * Where a Gateway is reached: the addresses of the Services that carry it, in its status, and what
 * is said when one that was asked for is not there.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { STATUS_ADDRESSES_MAX } from "../../src/routes/index.ts";
import { objectsOf, World } from "./world.ts";

const CLASS = `
kind: GatewayClass
metadata: { name: fairlead }
spec: { controllerName: fairlead.dev/gateway-controller }
`;

function gateway(spec = ""): string {
  return `---
kind: Gateway
metadata: { name: edge, namespace: prod }
spec: { gatewayClassName: fairlead, listeners: [{ name: grpc, port: 80, protocol: HTTP }] ${spec} }
`;
}

function service(name: string, spec: string, status = "{}", namespace = "prod"): string {
  return `---
kind: Service
metadata:
  name: ${name}
  namespace: ${namespace}
  labels: { gateway.networking.k8s.io/gateway-name: edge }
spec: ${spec}
status: ${status}
`;
}

/** Addresses with their types, then the first words of its conditions, and what is said of it. */
function statusOf(...texts: string[]) {
  const world = new World(objectsOf(CLASS, ...texts));
  const { addresses, conditions } = world.evaluation.statuses.gateways.get("prod/edge")!;
  const programmed = conditions.find(({ type }) => type === "Programmed")!;
  return {
    addresses: addresses.map(({ type, value }) => `${type} ${value}`),
    conditions: world.gateway("prod/edge")[0],
    message: programmed.message,
  };
}

const GOOD = "Accepted Programmed";

test("a Service with the Gateway's label says where it is reached", () => {
  const both = '{ clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9, "fd00::9"], ports: [] }';
  assert.deepEqual(statusOf(gateway(), service("edge", both)), {
    addresses: ["IPAddress 10.96.0.9", "IPAddress fd00::9"],
    ...{ conditions: GOOD, message: "" },
  });
  const balancer = "{ type: LoadBalancer, clusterIP: 10.96.0.9, ports: [] }";
  const status =
    "{ loadBalancer: { ingress: [{ ip: 192.0.2.7 }, { hostname: lb.example }, { ip: x }, 7] } }";
  const { addresses } = statusOf(gateway(), service("edge", balancer, status));
  assert.deepEqual(addresses, ["IPAddress 192.0.2.7", "Hostname lb.example"]);
});

test("no Service, or only one of another namespace, and nothing is claimed", () => {
  const spec = "{ clusterIP: 10.96.0.9, ports: [] }";
  const nothing = { addresses: [], conditions: GOOD, message: "" };
  assert.deepEqual(statusOf(gateway()), nothing);
  assert.deepEqual(statusOf(gateway(), service("edge", spec, "{}", "other")), nothing);
});

test("a load balancer that has no address yet is waited for", () => {
  const spec = "{ type: LoadBalancer, clusterIP: 10.96.0.9, ports: [] }";
  assert.deepEqual(statusOf(gateway(), service("front", spec)), {
    addresses: [],
    conditions: "Accepted Programmed=False/AddressNotAssigned",
    message: "Service front has no address yet",
  });
});

test("an address that is asked for is there, or it is said why not", () => {
  const spec = "{ clusterIP: 10.96.0.9, ports: [] }";
  const asking = gateway(", addresses: [{ value: 10.96.0.9 }]");
  assert.equal(statusOf(asking, service("edge", spec)).conditions, GOOD);
  const other = gateway(", addresses: [{ value: 10.96.0.10 }]");
  assert.deepEqual(statusOf(other, service("edge", spec)), {
    addresses: ["IPAddress 10.96.0.9"],
    conditions: "Accepted Programmed=False/AddressNotUsable",
    message: "address 10.96.0.10 cannot be assigned: it is no address of Service edge",
  });
  assert.match(statusOf(other).message, /no Service has the label gateway\.networking\.k8s\.io\//);
});

test("STATUS_ADDRESSES_MAX: no more addresses than a status may have", () => {
  const services = Array.from({ length: STATUS_ADDRESSES_MAX + 4 }, (_, i) =>
    service(`edge-${i}`, `{ clusterIP: 10.96.0.${i + 1}, ports: [] }`),
  );
  assert.equal(statusOf(gateway(), ...services).addresses.length, STATUS_ADDRESSES_MAX);
});
