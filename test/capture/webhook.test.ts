/**
 * The webhook against a real kube-apiserver, with the configuration and the rights of `deploy/`: a
 * pod that is made in a namespace with the label comes back with its sidecar.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { Json } from "../kubernetes/api.ts";
import { startRealCluster } from "../kubernetes/real.ts";
import { rootDir } from "../peers/paths.ts";

const PODS = "/api/v1/namespaces";
const HOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

function manifest(kind: string): Json {
  const text = readFileSync(join(rootDir, "deploy", "inject-webhook.yaml"), "utf8");
  const all = parseAllDocuments(text).map((each) => each.toJS() as Json);
  return all.find((each) => each.kind === kind)!;
}

/** As in `deploy/`, but that our process is asked at its address. */
function configuration(): Json {
  const object = manifest("MutatingWebhookConfiguration") as { webhooks: Json[] } & Json;
  const clientConfig = { url: "https://127.0.0.1:9443/inject" };
  // A failure must show.
  const webhooks = object.webhooks.map((each) => ({
    ...{ ...each, clientConfig, failurePolicy: "Fail" },
  }));
  return { ...object, webhooks };
}

function podOf(name: string, more: Json = {}): Json {
  const spec = { containers: [{ name: "app", image: "registry.example/app:1" }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, ...more }, spec };
}

async function containersOf(answer: Promise<Json>): Promise<string[]> {
  const { spec } = (await answer) as { spec: { initContainers?: { name: string }[] } };
  return (spec.initContainers ?? []).map(({ name }) => name);
}

test("kube-apiserver has pods injected where the namespace asks for it", async (t) => {
  const cluster = await startRealCluster(t);
  if (cluster === null) return;
  try {
    const { api, kubeconfig } = cluster;
    for (const kind of ["ClusterRole", "ClusterRoleBinding"]) {
      await api.post(`${RBAC}/${kind.toLowerCase()}s`, manifest(kind));
    }
    await api.post(HOOKS, configuration());
    const metadata = { name: "prod", labels: { "fairlead.dev/inject": "enabled" } };
    await api.post(PODS, { apiVersion: "v1", kind: "Namespace", metadata });
    for (const namespace of ["prod", "default"]) {
      const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
      await api.post(`${PODS}/${namespace}/serviceaccounts`, account);
    }
    const control = cluster.launch(process.execPath, [
      ...[join(rootDir, "src/cli/main.ts"), "control", "--kubeconfig", kubeconfig],
      ...["--inject", "--inject-listen", "127.0.0.1:9443", "--inject-name", "127.0.0.1"],
      ...["--image", "registry.example/own:1"],
    ]);
    await control.waitFor(/"msg":"webhook is trusted"/);
    const injected = ["fairlead-init", "fairlead-proxy"];
    const made = api.post(`${PODS}/prod/pods`, podOf("one"));
    assert.deepEqual(await containersOf(made), injected);
    const annotations = { "fairlead.dev/inject": "disabled" };
    const disabled = api.post(`${PODS}/prod/pods`, podOf("two", { annotations }));
    assert.deepEqual(await containersOf(disabled), []);
    const elsewhere = api.post(`${PODS}/default/pods`, podOf("three"));
    assert.deepEqual(await containersOf(elsewhere), []);
  } finally {
    await cluster.close();
  }
});
