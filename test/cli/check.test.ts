/** `fairlead check`: what it asks, what it says when RBAC is in the way, and its exit codes. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { runProcess, stopAll } from "../peers/processes.ts";
import { type EchoCluster, kubeconfigText, startEchoCluster } from "../support/lab-cluster.ts";
import { FAIRLEAD } from "./harness.ts";

let lab: EchoCluster;

const READER = {
  namespaces: ["prod"],
  groups: ["discovery.k8s.io"],
  resources: ["endpointslices"],
  verbs: ["get", "list", "watch"],
};

before(async () => {
  lab = await startEchoCluster({
    token: "good",
    users: [
      { name: "reader", tokens: ["good"], rules: [READER] },
      { name: "nobody", tokens: ["poor"], rules: [] },
    ],
  });
});

after(async () => {
  await stopAll();
  await lab.close();
});

function check(token: string, ...args: string[]) {
  const file = `${lab.directory}/${token}.yaml`;
  writeFileSync(file, kubeconfigText(lab.cluster.url, token));
  return runProcess(FAIRLEAD, ["check", "--kubeconfig", file, ...args]);
}

test("with the documented Role all that is needed works, exit 0", async () => {
  const { code, stdout, stderr } = await check("good");
  assert.equal(code, 0, stdout + stderr);
  assert.match(
    stdout,
    /^ok +server +http:\/\/127\.0\.0\.1:\d+ as context test answers, version v/m,
  );
  assert.match(stdout, /^ok +credentials +token: we are reader$/m);
  assert.match(stdout, /^ok +endpointslices +list, watch on endpointslices\.discovery\.k8s\.io/m);
  assert.match(stdout, /^warn +services +forbidden/m, "can be done without");
  assert.match(stdout, /^discovery works in namespace prod$/m);
});

test("without it the missing rule is named, and what to add, exit 1", async () => {
  const { code, stdout } = await check("poor");
  assert.equal(code, 1);
  assert.match(stdout, /^FAIL +endpointslices +forbidden/m);
  assert.match(stdout, /add to the rules of a Role in namespace prod that is bound to nobody:$/m);
  assert.match(stdout, /^ +- apiGroups: \["discovery\.k8s\.io"\]$/m);
  assert.match(stdout, /^ +verbs: \["get", "list", "watch"\]$/m);
});

test("JSON has the same, and the namespace is the one asked for", async () => {
  const { code, stdout } = await check("good", "-n", "other", "-o", "json");
  assert.equal(code, 1, "the Role is of another namespace");
  const { ok, namespace, subject, version, checks } = JSON.parse(stdout);
  assert.deepEqual([ok, namespace, subject.username], [false, "other", "reader"]);
  assert.match(version, /^v1\./);
  const slices = checks.find(({ name }: { name: string }) => name === "endpointslices");
  assert.deepEqual([slices.ok, slices.required], [false, true]);
  assert.ok(slices.fix.length > 0);
});

test("a token that is not accepted is told as that", async () => {
  const { code, stdout } = await check("wrong");
  assert.equal(code, 1);
  assert.match(stdout, /^FAIL +credentials .*401/m);
  assert.doesNotMatch(stdout, /wrong(?!\.yaml)/, "no secret is printed");
});

test("an API server that is not there, and no API server at all", async () => {
  const file = `${lab.directory}/dead.yaml`;
  writeFileSync(file, kubeconfigText("http://127.0.0.1:9"));
  const dead = await runProcess(FAIRLEAD, ["check", "--kubeconfig", file]);
  assert.equal(dead.code, 1);
  assert.match(dead.stdout, /^FAIL +server .*refused/m);
  const env = { KUBECONFIG: undefined, HOME: lab.directory, KUBERNETES_SERVICE_HOST: undefined };
  const none = await runProcess(FAIRLEAD, ["check"], { env });
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^fairlead: no Kubernetes API server is known: .* give --kubeconfig/m);
});
