/**
 * What a control plane needs of an API server: kinds that may not be installed, watches of all
 * namespaces, statuses, a Lease; and that the rights of `deploy/control/rbac.yaml` are enough.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { CONTROLLER_NAME } from "../../../src/routes/index.ts";
import type { Json } from "../api.ts";
import { Plane, type PlaneReport } from "../plane.ts";
import { eventually } from "../wait.ts";
import type { Case, CaseContext } from "./case.ts";
import { GRPC_PORT } from "./scene.ts";

const RBAC_FILE = join(import.meta.dirname, "../../../deploy/control/rbac.yaml");
const GROUP = "/apis/gateway.networking.k8s.io/v1";
const API_VERSION = "gateway.networking.k8s.io/v1";
/** Until a watch and a Lease are back after an outage: back-off may have grown. */
const RETURN_MS = 45_000;
const KINDS = ["Gateway", "GatewayClass", "GRPCRoute", "ReferenceGrant"];

/** Makes a GatewayClass that is gone after the case. */
async function makeClass({ cluster, defer }: CaseContext, name: string): Promise<void> {
  const path = `${GROUP}/gatewayclasses`;
  const body = { apiVersion: API_VERSION, kind: "GatewayClass", metadata: { name } };
  await cluster.api.post(path, { ...body, spec: { controllerName: CONTROLLER_NAME } });
  defer(() => cluster.api.delete(`${path}/${name}`));
}

async function makeGateway({ cluster, objects }: CaseContext, gatewayClassName: string) {
  const listeners = [{ name: "grpc", port: 80, protocol: "HTTP" }];
  await cluster.api.post(`${GROUP}/namespaces/${objects.namespace}/gateways`, {
    ...{ apiVersion: API_VERSION, kind: "Gateway", metadata: { name: "edge" } },
    spec: { gatewayClassName, listeners },
  });
}

async function makeRoute({ cluster, objects }: CaseContext, name: string): Promise<void> {
  await cluster.api.post(`${GROUP}/namespaces/${objects.namespace}/grpcroutes`, {
    ...{ apiVersion: API_VERSION, kind: "GRPCRoute", metadata: { name } },
    spec: {
      parentRefs: [{ name: "edge" }],
      hostnames: ["a.example"],
      rules: [{ backendRefs: [{ name: "echo", port: 80 }] }],
    },
  });
}

function pathOf({ objects }: CaseContext, plural: string, name: string): string {
  const place = plural === "gatewayclasses" ? "" : `/namespaces/${objects.namespace}`;
  return `${GROUP}${place}/${plural}/${name}`;
}

async function statusOf(context: CaseContext, plural: string, name: string): Promise<Json> {
  const object = await context.cluster.api.get(pathOf(context, plural, name));
  return (object.status ?? {}) as Json;
}

/** "Accepted=True@1", of a list of conditions. */
function textsOf(conditions: unknown): string[] {
  return ((conditions ?? []) as Json[]).map(
    ({ type, status, observedGeneration }) => `${type}=${status}@${observedGeneration}`,
  );
}

function untilRoute(context: CaseContext, name: string): Promise<void> {
  return eventually(`the status of route ${name} is written`, async () => {
    const { parents = [] } = await statusOf(context, "grpcroutes", name);
    return (parents as Json[]).some(({ controllerName }) => controllerName === CONTROLLER_NAME);
  });
}

/** A Service that is labelled as a Gateway's says where that is reached. */
async function writesAddresses(context: CaseContext): Promise<void> {
  const { cluster, objects } = context;
  const path = `/api/v1/namespaces/${objects.namespace}/services/echo`;
  const labels = { "gateway.networking.k8s.io/gateway-name": "edge" };
  const { spec } = (await cluster.api.patch(path, { metadata: { labels } })) as Json;
  const wanted = ((spec as Json).clusterIPs as string[]).map((value) => ({
    ...{ type: "IPAddress", value },
  }));
  assert.ok(wanted.length > 0);
  await eventually("the addresses", async () => {
    const { addresses } = await statusOf(context, "gateways", "edge");
    return JSON.stringify(addresses) === JSON.stringify(wanted);
  });
}

/** Applies the manifest for an account of the case's namespace. */
async function applyRights({ cluster, objects, defer }: CaseContext, account: string) {
  const { namespace } = objects;
  const text = readFileSync(RBAC_FILE, "utf8")
    .replaceAll("namespace: fairlead\n", `namespace: ${namespace}\n`)
    .replace(/name: fairlead-control(-certificates)?$/gm, `name: ${namespace}$1`);
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as { kind: string; subjects?: object[] } & Json;
    if (object.kind === "ServiceAccount") continue; // the account is one
    const isClusterWide = object.kind.startsWith("ClusterRole");
    const place = isClusterWide ? "" : `/namespaces/${namespace}`;
    const path = `/apis/rbac.authorization.k8s.io/v1${place}/${object.kind.toLowerCase()}s`;
    const subjects = object.subjects?.map((subject) => ({ ...subject, name: account }));
    await cluster.api.post(path, subjects === undefined ? object : { ...object, subjects });
    const { name } = object.metadata as { name: string };
    if (isClusterWide) defer(() => cluster.api.delete(`${path}/${name}`));
  }
}

/** See the head of this file. */
export const controlPlaneCases: readonly Case[] = [
  [
    "kinds of the Gateway API that are not installed are none, and are seen when they come",
    async (context) => {
      const { t, cluster, objects } = context;
      const plane = new Plane(context);
      await objects.service("echo", [GRPC_PORT]);
      const absent = KINDS.map((kind) => `${kind} absent`).sort();
      const key = `${objects.namespace}/echo`;
      await plane.until("synced without these kinds", ({ isSynced, problems, objects: known }) => {
        return isSynced && problems.join() === absent.join() && known.Service.includes(key);
      });
      const logged = plane.process.stderr.match(/does not have a kind/g) ?? [];
      assert.equal(logged.length, KINDS.length, "each is told once");
      assert.doesNotMatch(plane.process.stderr, /cannot be watched/);
      if (!(await cluster.installGatewayApi(t))) return;
      await makeClass(context, "late");
      const seen = await plane.until("they are seen", ({ problems, objects: known }) => {
        return problems.length === 0 && known.GatewayClass.includes("late");
      });
      assert.equal(seen.isStale, false);
    },
  ],

  [
    "all namespaces are seen, or those of a list",
    async (context) => {
      const { t, cluster, objects } = context;
      if (!(await cluster.installGatewayApi(t))) return;
      const other = await cluster.namespace(`${objects.namespace}-other`);
      const [all, one] = [
        new Plane(context),
        new Plane(context, { namespaces: [other.namespace] }),
      ];
      await objects.service("early", [GRPC_PORT]);
      await other.service("early", [GRPC_PORT]);
      const keys = (name: string) =>
        [objects, other].map(({ namespace }) => `${namespace}/${name}`);
      const has = (kind: string, wanted: readonly string[]) => (report: Plane["report"]) =>
        report !== null && wanted.every((key) => report.objects[kind].includes(key));
      await all.until("both Services", has("Service", keys("early")));
      await other.service("late", [GRPC_PORT]);
      await objects.service("late", [GRPC_PORT]);
      await makeRoute(context, "echo");
      await all.until("later ones", has("Service", keys("late")));
      await all.until("slices", ({ objects: { EndpointSlice } }) => EndpointSlice.length >= 4);
      await all.until("the route", has("GRPCRoute", [`${objects.namespace}/echo`]));
      await one.until("those that live in none", has("Namespace", [objects.namespace]));
      const seen = await one.until("its own", has("Service", [`${other.namespace}/late`]));
      assert.deepEqual(seen.objects.Service, [
        `${other.namespace}/early`,
        `${other.namespace}/late`,
      ]);
      assert.deepEqual(seen.objects.GRPCRoute, []);
      await objects.deleteService("early");
      await all.until("one that goes", ({ objects: { Service } }) => {
        return !Service.includes(`${objects.namespace}/early`);
      });
    },
  ],

  [
    "of Secrets only certificates are read, and nothing of them is said",
    async (context) => {
      const { cluster, objects } = context;
      const path = `/api/v1/namespaces/${objects.namespace}/secrets`;
      const make = (name: string, type: string, stringData: Json) =>
        cluster.api.post(path, {
          ...{ apiVersion: "v1", kind: "Secret", metadata: { name }, type, stringData },
        });
      await make("password", "Opaque", { password: "s3cr3t-0123456789" });
      const pem = { "tls.crt": "s3cr3t-0123456789", "tls.key": "s3cr3t-0123456789" };
      await make("web", "kubernetes.io/tls", pem);
      const plane = new Plane(context);
      const { namespace } = objects;
      const own = ({ objects: { Secret } }: NonNullable<Plane["report"]>) =>
        Secret.filter((key) => key.startsWith(`${namespace}/`));
      await plane.until("the certificate", (report) => own(report).join() === `${namespace}/web`);
      await make("web2", "kubernetes.io/tls", pem);
      const seen = await plane.until("one more", (report) => own(report).length === 2);
      assert.deepEqual(own(seen), [`${namespace}/web`, `${namespace}/web2`]);
      assert.doesNotMatch(plane.process.output, /s3cr3t/);
      assert.ok(!plane.process.output.includes(btoa("s3cr3t-0123456789").slice(0, 12)));
    },
  ],

  [
    "with the documented rights statuses are written, by one of two replicas, and no more",
    async (context) => {
      const { t, cluster, objects } = context;
      if (!(await cluster.installGatewayApi(t))) return;
      const account = await cluster.account(objects, "control");
      await applyRights(context, "control");
      const gatewayClass = `class-${objects.namespace}`;
      await makeClass(context, gatewayClass);
      await makeGateway(context, gatewayClass);
      await objects.service("echo", [GRPC_PORT]);
      await makeRoute(context, "echo");
      const theirs = {
        ...{ parentRef: { name: "theirs" }, controllerName: "example.com/other" },
        conditions: [
          {
            ...{ type: "Accepted", status: "True", reason: "Accepted", message: "" },
            ...{ lastTransitionTime: "2020-01-01T00:00:00Z", observedGeneration: 1 },
          },
        ],
      };
      const routePath = `${pathOf(context, "grpcroutes", "echo")}/status`;
      await cluster.api.patch(routePath, { status: { parents: [theirs] } });
      const one = new Plane(context, { writes: true }, account.kubeconfig);
      await one.until("it leads", ({ role }) => role === "leader");
      const two = new Plane(context, { writes: true, replica: "two" }, account.kubeconfig);
      await untilRoute(context, "echo");
      const follower = await two.until("it follows", ({ leader }) => leader.startsWith("one_"));
      assert.equal(follower.role, "follower");
      assert.deepEqual(follower.problems, [], "everything may be read");
      const { parents } = await statusOf(context, "grpcroutes", "echo");
      const [first, second] = parents as Json[];
      // The server may say what the other left out.
      assert.equal(first.controllerName, theirs.controllerName);
      assert.deepEqual(first.conditions, theirs.conditions);
      assert.deepEqual(textsOf(second.conditions), ["Accepted=True@1", "ResolvedRefs=True@1"]);
      const isWritten = async () => {
        const gateway = await statusOf(context, "gateways", "edge");
        const ours = await statusOf(context, "gatewayclasses", gatewayClass);
        return [textsOf(gateway.conditions), textsOf(ours.conditions)].flat().join(" ");
      };
      const wanted = "Accepted=True@1 Programmed=True@1 Accepted=True@1";
      await eventually("the others too", async () => (await isWritten()) === wanted);
      await writesAddresses(context);

      await one.stop();
      await makeRoute(context, "late");
      await two.until("it leads now", ({ role }) => role === "leader", 10_000);
      await untilRoute(context, "late");
      const leases = `/apis/coordination.k8s.io/v1/namespaces/${objects.namespace}/leases`;
      const lease = await cluster.api.get(`${leases}/fairlead-control`);
      assert.match(String((lease.spec as Json).holderIdentity), /^two_[0-9a-f]{8}$/);
      await cluster.api.delete(`${leases}/fairlead-control`);
      await eventually("the Lease is made again", async () => {
        const found = await cluster.api.get(`${leases}/fairlead-control`).catch(() => null);
        return found !== null;
      });
      assert.equal(two.report?.problem, null);
    },
  ],

  [
    "without the right to write it serves on, and says what is missing",
    async (context) => {
      const { t, cluster, objects } = context;
      if (!(await cluster.installGatewayApi(t))) return;
      const account = await cluster.account(objects, "reader");
      await applyRights(context, "reader");
      const { namespace } = objects;
      const role = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${namespace}`;
      const { rules } = (await cluster.api.get(role)) as { rules: { verbs: string[] }[] };
      const reading = rules.filter(({ verbs }) => !verbs.includes("patch"));
      await cluster.api.patch(role, { rules: reading } as unknown as Json);
      await makeClass(context, `class-${namespace}`);
      const plane = new Plane(context, { writes: true }, account.kubeconfig);
      const { problem } = await plane.until("it says so", (report) => report.problem !== null);
      // Of which kind depends on what other cases have left.
      assert.match(
        problem ?? "",
        /^forbidden: needs patch on [a-z]+\.gateway\.networking\.k8s\.io\/status( in namespace|$)/,
      );
      await objects.service("echo", [GRPC_PORT]);
      await plane.until("a new Service", ({ objects: { Service } }) => {
        return Service.includes(`${namespace}/echo`);
      });
      const lines = plane.process.stderr.split("\n");
      assert.equal(lines.filter((line) => line.includes("statuses are not written")).length, 1);
    },
  ],
];

/** Those after which the API server has been away. */
export const controlPlaneOutageCases: readonly Case[] = [
  [
    "an API server that dies and returns costs a control plane nothing, and is written to again",
    async (context) => {
      const { t, cluster, objects } = context;
      if (!(await cluster.installGatewayApi(t))) return;
      const { namespace } = objects;
      await makeClass(context, `class-${namespace}`);
      await makeGateway(context, `class-${namespace}`);
      for (const name of ["stays", "goes"]) await makeRoute(context, name);
      const plane = new Plane(context, { writes: true });
      await untilRoute(context, "goes");
      const before = plane.reports.length;
      await cluster.outage(async () => {
        await plane.until("it is noticed", ({ isStale }) => isStale);
        // While nobody watches: only a new list can tell.
        await cluster.api.delete(pathOf(context, "grpcroutes", "goes"));
        await makeRoute(context, "comes");
      });
      const routes = (report: PlaneReport) =>
        report.objects.GRPCRoute.filter((key) => key.startsWith(`${namespace}/`)).join(" ");
      const wanted = `${namespace}/comes ${namespace}/stays`;
      const isBack = (report: PlaneReport) => routes(report) === wanted && !report.isStale;
      await plane.until("it knows what is now", isBack, RETURN_MS);
      await eventually(
        "the new route's status",
        async () => {
          const { parents = [] } = await statusOf(context, "grpcroutes", "comes");
          return (parents as Json[]).length === 1;
        },
        RETURN_MS,
      );
      await plane.until("nothing is wrong", ({ problem }) => problem === null, RETURN_MS);
      for (const report of plane.reports.slice(before)) {
        assert.ok(routes(report).includes("stays"), "nothing was forgotten in between");
        assert.ok(report.objects.Gateway.includes(`${namespace}/edge`));
      }
    },
  ],
];
