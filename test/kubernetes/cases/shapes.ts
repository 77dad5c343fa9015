/**
 * Kinds of Services and ports: what a target names, and the addresses that it means.
 */
import assert from "node:assert/strict";
import { ApiError, type Json } from "../api.ts";
import type { Case } from "./case.ts";
import { GRPC_PORT, ipsOf, makePod, makePods, watch } from "./scene.ts";

/** See the head of this file. */
export const shapeCases: readonly Case[] = [
  [
    "a headless Service and one with a ClusterIP give the same pods",
    async (context) => {
      const { objects, target } = context;
      const selector = { app: "echo" };
      await objects.service("with-ip", [GRPC_PORT], { selector });
      await objects.service("headless", [GRPC_PORT], { selector, clusterIP: "None" });
      const pods = await makePods(context, 2);
      for (const service of ["with-ip", "headless"]) {
        const seen = watch(context, target(service, "grpc"));
        await seen.untilUsable(ipsOf(pods));
        for (const { address } of seen.current!.endpoints) assert.match(address, /:50051$/);
      }
    },
  ],

  [
    "all forms of a target mean the same pods",
    async (context) => {
      const { objects } = context;
      await objects.service("echo", [GRPC_PORT]);
      const pod = await makePod(context, "echo-1");
      const name = objects.namespace;
      const forms = [
        `kubernetes:///echo.${name}:grpc`,
        `kubernetes:///echo.${name}:80`,
        `kubernetes:///echo.${name}`,
        `kubernetes://${name}/echo:grpc`,
        `kubernetes:///echo.${name}.svc.cluster.local:grpc`,
        `kubernetes://echo.${name}:80/`,
      ];
      const all = forms.map((form) => watch(context, form));
      for (const seen of all) {
        await seen.untilUsable([pod.ip]);
        assert.equal(seen.current!.endpoints[0].address, `${pod.ip}:50051`);
      }
    },
  ],

  [
    "--namespace is the namespace of a target that names none",
    async (context) => {
      const { objects } = context;
      await objects.service("echo", [GRPC_PORT]);
      const pod = await makePod(context, "echo-1");
      const flags = ["--namespace", objects.namespace];
      await watch(context, "kubernetes:///echo:grpc", flags).untilUsable([pod.ip]);
    },
  ],

  [
    "a named target port may be another number on each pod",
    async (context) => {
      const { objects, target } = context;
      await objects.service("echo", [
        { name: "grpc", port: 80, targetPort: "rpc" },
        { name: "metrics", port: 9090, targetPort: 9091 },
      ]);
      const port = (containerPort: number) => [{ name: "rpc", containerPort }];
      const old = await makePod(context, "old", { ports: port(50_051) });
      const now = await makePod(context, "new", { ports: port(50_052) });
      for (const [name, want] of [
        ["grpc", [`${old.ip}:50051`, `${now.ip}:50052`]],
        ["80", [`${old.ip}:50051`, `${now.ip}:50052`]],
        ["metrics", [`${old.ip}:9091`, `${now.ip}:9091`]],
        ["9091", [`${old.ip}:9091`, `${now.ip}:9091`]],
      ] as const) {
        const seen = watch(context, target("echo", name));
        await seen.untilUsable([old.ip, now.ip]);
        const addresses = seen.current!.endpoints.map(({ address }) => address);
        assert.deepEqual(addresses, [...want].sort(), name);
      }
    },
  ],

  [
    "a port that the Service gets later is taken up",
    async (context) => {
      const { objects, target } = context;
      await objects.service("echo", [{ ...GRPC_PORT, name: "http" }]);
      const pod = await makePod(context, "echo-1");
      const seen = watch(context, target("echo", "grpc"));
      await seen.untilUsable([]);
      await objects.patchService("echo", { ports: [GRPC_PORT] });
      await seen.untilUsable([pod.ip]);
    },
  ],

  [
    "a dual-stack pod is one endpoint with two addresses",
    async (context) => {
      const { cluster, objects, target } = context;
      const dual = { ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv4", "IPv6"] };
      await objects.service("echo", [GRPC_PORT], dual);
      const ips = [cluster.nextIp(), cluster.nextIpv6()];
      await makePod(context, "echo-1", { ips });
      const seen = watch(context, target("echo", "grpc"));
      await seen.until("both addresses", ({ endpoints }) => endpoints[0]?.addresses.length === 2);
      assert.equal(seen.current!.endpoints.length, 1);
      const [endpoint] = seen.current!.endpoints;
      assert.deepEqual([...endpoint.addresses].sort(), [`${ips[0]}:50051`, `[${ips[1]}]:50051`]);
      assert.equal(endpoint.address, endpoint.addresses[0]);
      assert.equal(endpoint.pod, "echo-1");
    },
  ],

  [
    "a Service without selector has the slices that users write",
    async (context) => {
      const { cluster, objects, target } = context;
      const [a, b, c] = [cluster.nextIp(), cluster.nextIp(), cluster.nextIp()];
      await objects.service("manual", [GRPC_PORT], { selector: null });
      const ports = [{ name: "grpc", port: 50_051, protocol: "TCP" }];
      const at = (...ips: string[]) => ips.map((ip) => ({ addresses: [ip] }));
      await objects.slice("manual-1", "manual", { ports, endpoints: at(a, b) });
      // While an endpoint moves it is in two slices; conditions that are not there mean ready.
      await objects.slice("manual-2", "manual", { ports, endpoints: at(b, c) });
      const seen = watch(context, target("manual", "grpc"));
      await seen.untilUsable([a, b, c]);
      assert.equal(seen.current!.endpoints.filter(({ usable }) => usable).length, 3);
      await objects.deleteSlice("manual-1");
      await seen.untilUsable([b, c]);
      await objects.patchSlice("manual-2", { endpoints: at(c) });
      await seen.untilUsable([c]);
    },
  ],

  [
    "a slice that cannot be used disturbs no other",
    async (context) => {
      const { cluster, objects, target } = context;
      await objects.service("manual", [GRPC_PORT], { selector: null });
      const ports = [{ name: "grpc", port: 50_051, protocol: "TCP" }];
      const good = cluster.nextIp();
      await objects.slice("names", "manual", {
        addressType: "FQDN",
        ports,
        endpoints: [{ addresses: ["echo.example.com"] }],
      });
      await objects.slice("empty", "manual", { ports, endpoints: [] });
      await objects.slice("no-ports", "manual", { endpoints: [{ addresses: [cluster.nextIp()] }] });
      await objects.slice("other-port", "manual", {
        ports: [{ name: "metrics", port: 9090 }],
        endpoints: [{ addresses: [cluster.nextIp()] }],
      });
      await objects.slice("udp", "manual", {
        ports: [{ name: "grpc", port: 50_051, protocol: "UDP" }],
        endpoints: [{ addresses: [cluster.nextIp()] }],
      });
      await objects.slice("good", "manual", { ports, endpoints: [{ addresses: [good] }] });
      const seen = watch(context, target("manual", "grpc"));
      await seen.untilUsable([good]);
    },
  ],

  [
    "of an endpoint with several addresses the first one is used",
    async (context) => {
      const { cluster, objects, target } = context;
      await objects.service("manual", [GRPC_PORT], { selector: null });
      const addresses = [cluster.nextIp(), cluster.nextIp(), cluster.nextIp()];
      const ports = [{ name: "grpc", port: 50_051, protocol: "TCP" }];
      await objects.slice("several", "manual", { ports, endpoints: [{ addresses }] });
      const seen = watch(context, target("manual", "grpc"));
      await seen.untilUsable([addresses[0]]);
      assert.deepEqual(seen.current!.endpoints[0].addresses, [`${addresses[0]}:50051`]);
    },
  ],

  [
    "slices that break the API's rules are refused by the API",
    async ({ cluster, objects }) => {
      await objects.service("manual", [GRPC_PORT], { selector: null });
      const ip = cluster.nextIp();
      const endpoints = [{ addresses: [ip] }];
      const refused: Readonly<Record<string, Json>> = {
        "an address that is none": { endpoints: [{ addresses: ["10.0.0.256"] }] },
        "an endpoint without address": { endpoints: [{ addresses: [] }] },
        "an address of the other family": { endpoints: [{ addresses: ["2001:db8::1"] }] },
        "an unknown address type": { addressType: "IPv5", endpoints },
        "an unknown protocol": { endpoints, ports: [{ name: "grpc", port: 1, protocol: "HTTP" }] },
        "two ports of one name": { endpoints, ports: [{ port: 1 }, { port: 2 }] },
        "1,001 endpoints": { endpoints: Array.from({ length: 1001 }, () => endpoints[0]) },
      };
      for (const [what, body] of Object.entries(refused)) {
        const answer = await objects.slice("bad", "manual", body).catch((error) => error);
        assert.ok(answer instanceof ApiError, what);
        assert.equal(answer.status, 422, `${what}: ${answer.message}`);
      }
    },
  ],

  [
    "a Service of 1,000 endpoints in ten slices is known whole",
    async (context) => {
      const { objects, target } = context;
      await objects.service("many", [GRPC_PORT], { selector: null });
      const ports = [{ name: "grpc", port: 50_051, protocol: "TCP" }];
      const ips: string[] = [];
      for (let i = 0; i < 10; i += 1) {
        const own = Array.from({ length: 100 }, () => context.cluster.nextIp());
        ips.push(...own);
        const endpoints = own.map((ip) => ({ addresses: [ip] }));
        await objects.slice(`many-${i}`, "many", { ports, endpoints });
      }
      const seen = watch(context, target("many", "grpc"));
      await seen.untilUsable(ips);
      await objects.deleteSlice("many-7");
      await seen.untilUsable([...ips.slice(0, 700), ...ips.slice(800)]);
    },
  ],
];
