/**
 * What rights are needed, and what is said without them; tokens that are replaced and revoked.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { parse } from "yaml";
import { FAIRLEAD } from "../../cli/harness.ts";
import type { RoleRule } from "../accounts.ts";
import { type Case, type CaseContext, NODE } from "./case.ts";
import { GRPC_PORT, ipsOf, makePod, makePods, watch } from "./scene.ts";

const VERBS = ["get", "list", "watch"];
/** All that is needed for ports by name and ports of pods. */
export const SLICES: RoleRule = {
  apiGroups: ["discovery.k8s.io"],
  resources: ["endpointslices"],
  verbs: VERBS,
};
/** The rest of the documented Role: port numbers and settings of Services. */
export const SERVICES: RoleRule = { apiGroups: [""], resources: ["services"], verbs: VERBS };

/** What came of a command. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `fairlead ... -o json` with a kubeconfig to its end. */
async function run(
  { cluster }: CaseContext,
  kubeconfig: string,
  ...args: string[]
): Promise<Ended> {
  const all = [...args, "-o", "json", "--kubeconfig", kubeconfig];
  const process = cluster.launch(FAIRLEAD, all, { name: `fairlead ${args[0]}` });
  const { code } = await process.exited;
  return { code, stdout: process.stdout, stderr: process.stderr };
}

/** What `fairlead check -o json` prints, as far as tests read it. */
interface CheckDocument {
  readonly ok: boolean;
  readonly version: string;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly required: boolean;
    /** A line for people, and the rules of a Role as YAML. */
    readonly fix: readonly string[];
  }[];
}

/** See the head of this file. */
export const accessCases: readonly Case[] = [
  [
    "with only the documented Role everything works",
    async (context) => {
      const { cluster, objects, target } = context;
      const account = await cluster.account(objects, "reader");
      const { kubeconfig } = account;
      await account.grant([SLICES, SERVICES]);
      await objects.service("echo", [GRPC_PORT]);
      const [a, b] = await makePods(context, 2);
      for (const port of ["grpc", 80]) {
        const seen = watch(context, target("echo", port), [], kubeconfig);
        await seen.untilUsable([a.ip, b.ip]);
        await objects.setReady(b.name, false);
        await seen.untilUsable([a.ip]);
        await objects.setReady(b.name, true);
        await seen.untilUsable([a.ip, b.ip]);
      }
    },
  ],

  [
    "slices alone are enough for a port by name and a pod's port",
    async (context) => {
      const { cluster, objects, target } = context;
      const account = await cluster.account(objects, "slices-only");
      const { kubeconfig } = account;
      await account.grant([SLICES]);
      await objects.service("echo", [GRPC_PORT]);
      const pods = await makePods(context, 2);
      for (const port of ["grpc", 50_051]) {
        await watch(context, target("echo", port), [], kubeconfig).untilUsable(ipsOf(pods));
      }
    },
  ],

  [
    "a Node that may not be read leaves us without a zone, no more",
    async (context) => {
      const { cluster, objects, target } = context;
      const account = await cluster.account(objects, "no-nodes");
      const { kubeconfig } = account;
      await account.grant([SLICES, SERVICES]);
      await objects.service("echo", [GRPC_PORT]);
      const pods = await makePods(context, 2);
      const seen = watch(context, target("echo", "grpc"), ["--node", NODE], kubeconfig);
      await seen.untilUsable(ipsOf(pods));
    },
  ],

  [
    "without rights the error names the verb and the resource",
    async (context) => {
      const { cluster, objects, target } = context;
      const { kubeconfig } = await cluster.account(objects, "nobody");
      await objects.service("echo", [GRPC_PORT]);
      await makePod(context, "echo-1");
      const to = target("echo", "grpc");
      const { code, stdout, stderr } = await run(context, kubeconfig, "endpoints", to);
      assert.equal(code, 1, stdout);
      // A streaming list is a watch.
      assert.match(stderr, /\b(list|watch)\b/);
      assert.match(stderr, /\bendpointslices\b/);
      assert.ok(stderr.includes(objects.namespace), stderr);
    },
  ],

  [
    "rights that come later are noticed",
    async (context) => {
      const { cluster, objects, target } = context;
      const account = await cluster.account(objects, "late");
      await objects.service("echo", [GRPC_PORT]);
      const pod = await makePod(context, "echo-1");
      const seen = watch(context, target("echo", "grpc"), [], account.kubeconfig);
      await seen.untilLogged(/endpointslices/);
      await account.grant([SLICES, SERVICES]);
      await seen.untilUsable([pod.ip], 40_000);
    },
  ],

  [
    "a token that nobody accepts is named as that",
    async (context) => {
      const { cluster, objects, target } = context;
      const account = await cluster.account(objects, "stranger");
      writeFileSync(account.tokenFile, "not-a-token");
      const to = target("echo", "grpc");
      const { code, stderr } = await run(context, account.kubeconfig, "endpoints", to);
      assert.equal(code, 1);
      assert.match(stderr, /401|[Uu]nauthori[sz]ed|not accepted/);
      assert.ok(!stderr.includes("not-a-token"), "the token is not shown");
    },
  ],

  [
    "what `check` names as missing is all that is missing",
    async (context) => {
      const { cluster, objects, target } = context;
      const account = await cluster.account(objects, "asking");
      const ask = () => run(context, account.kubeconfig, "check", "-n", objects.namespace);
      const before = await ask();
      assert.equal(before.code, 1, before.stderr);
      const { ok, version, checks } = JSON.parse(before.stdout) as CheckDocument;
      assert.equal(ok, false);
      assert.match(version, /^v1\.36\./);
      const needed = checks.filter((each) => !each.ok && each.required);
      assert.deepEqual(
        needed.map(({ name }) => name),
        ["endpointslices"],
      );
      const named = checks.filter(({ name }) => ["endpointslices", "services"].includes(name));
      await account.grant(named.flatMap(({ fix }) => parse(fix.slice(1).join("\n")) as RoleRule[]));
      const after = await ask();
      assert.equal(after.code, 0, after.stdout);
      await objects.service("echo", [GRPC_PORT]);
      const pod = await makePod(context, "echo-1");
      await watch(context, target("echo", 80), [], account.kubeconfig).untilUsable([pod.ip]);
    },
  ],
];
