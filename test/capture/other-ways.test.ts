/**
 * Capture by other ways than a sidecar's REDIRECT: TPROXY, the proxy of a node, IPv6, connections
 * to the pod; and what is left when the proxy is killed.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { rootDir } from "../peers/paths.ts";
import { type Language, runStorm } from "../peers/storms.ts";
import { PORTS } from "./ports.ts";
import { CLIENT, CLUSTER_IPS, PODS, requireCapture, Topology } from "./topology.ts";

let topology: Topology | null = null;
let hindrance: string | null = null;

before(async () => {
  const programs = requireCapture({ skip: (message) => (hindrance = message ?? "") });
  if (programs !== null) topology = await Topology.create(programs.echoServer);
});
after(() => topology?.close());

type Skippable = Parameters<typeof runStorm>[0];

function capturing(name: string, run: (made: Topology, t: Skippable) => Promise<void>): void {
  test(name, async (t) => {
    if (topology === null) t.skip(hindrance ?? "");
    else await run(topology, t);
  });
}

const SOURCE = ["--source-cidrs", "10.245.1.0/24,fd00:10:245::/64"];
const ADMIN = ["--admin", "127.0.0.1:9901"];

/** Calls of one connection reach every pod. */
async function isBalanced(
  made: Topology,
  t: Skippable,
  host: string,
  language: Language = "go",
): Promise<void> {
  const target = `${host}:${PORTS.grpc}`;
  // Enough that a pod whose connection came late has its part, too.
  const options = { calls: 400, connections: 1, concurrency: 4, sizeMax: 10_000, seed: 7 };
  const storm = await runStorm(t, language, { ...options, target, runner: made.inPod }, 60_000);
  if (storm === null) return;
  assert.ok(storm.isGood, JSON.stringify(storm.summary));
  const counts = PODS.map((ip) => storm.summary.servers[ip] ?? 0);
  for (const count of counts) assert.ok(count > 25, JSON.stringify(storm.summary.servers));
}

async function othersPass(made: Topology): Promise<void> {
  const greeting = await made.dial("greeting", CLUSTER_IPS.others, PORTS.serverFirst);
  assert.match(String(greeting.greeting), /8\.4\.0-greets/);
  const big = await made.dial("big", CLUSTER_IPS.others, PORTS.echo);
  assert.deepEqual([big.count, big.isEqual], [64 * 1024 * 1024, true]);
}

const WAYS = [
  { mode: "sidecar", by: "redirect", flavour: "nftables" },
  { mode: "sidecar", by: "tproxy", flavour: "nftables" },
  { mode: "sidecar", by: "tproxy", flavour: "iptables" },
  { mode: "node", by: "redirect", flavour: "nftables" },
  { mode: "node", by: "redirect", flavour: "iptables" },
] as const;

for (const { mode, by, flavour } of WAYS) {
  capturing(`${mode} by ${by} (${flavour}): IPv4, IPv6, and what passes`, async (made, t) => {
    const where = mode === "node" ? made.node : made.pod;
    const way = ["--mode", mode, "--capture-by", by];
    const who = by === "tproxy" && mode === "sidecar" ? ["--gid", "15001"] : [];
    const rules = ["capture-rules", ...way, "--flavour", flavour, ...who];
    if (mode === "node") rules.push(...SOURCE);
    const proxy = await made.startProxy(where, [...way, ...ADMIN], by === "tproxy");
    await made.fairlead(where, ...rules, "--apply");
    await made.fairlead(where, ...rules, "--apply");
    try {
      await isBalanced(made, t, CLUSTER_IPS.echo);
      await isBalanced(made, t, `[${CLUSTER_IPS.echoIPv6}]`);
      // What the kernel does to a connection is alike by both flavours.
      if (flavour === "nftables") await isBalanced(made, t, CLUSTER_IPS.echo, "python");
      await othersPass(made);
    } finally {
      await made.fairlead(where, ...rules, "--delete");
      await proxy.stop();
    }
    const left = await made.run(where, "nft", ["list", "ruleset"]);
    assert.doesNotMatch(left, /fairlead|1500[16]/i, "no rule is left");
    assert.doesNotMatch(await made.run(where, "ip", ["rule"]), /fa1c/, "no routing rule is left");
  });
}

capturing("only what is named is captured: ports, addresses, CIDRs", async (made, t) => {
  const proxy = await made.startProxy(made.pod, ["--mode", "sidecar", ...ADMIN]);
  const rules = ["capture-rules", "--mode", "sidecar"];
  const options = { calls: 60, connections: 1, concurrency: 2, sizeMax: 100, seed: 7 };
  const target = `${CLUSTER_IPS.echo}:${PORTS.grpc}`;
  try {
    for (const exemption of [
      ["--skip-outbound-ports", "80,50000-50100"],
      ["--skip-cidrs", "10.96.0.0/16,10.96.0.7"],
      ["--only-cidrs", "10.97.0.0/16"],
    ]) {
      await made.fairlead(made.pod, ...rules, ...exemption, "--apply");
      const storm = await runStorm(t, "go", { ...options, target, runner: made.inPod }, 60_000);
      if (storm === null) return;
      const pods = Object.keys(storm.summary.servers);
      assert.equal(pods.length, 1, `${exemption}: kube-proxy's choice for the connection`);
    }
  } finally {
    await made.fairlead(made.pod, ...rules, "--delete");
    await proxy.stop();
  }
});

capturing("connections to the pod pass, probes of the kubelet with them", async (made) => {
  const program = `require("node:http").createServer((_, r) => r.end("alive"))
    .listen(8080, () => console.log("ready"))`;
  const app = made.pod.start(process.execPath, ["-e", program]);
  await app.waitFor(/^ready$/m);
  const proxy = await made.startProxy(made.pod, ["--mode", "sidecar", ...ADMIN]);
  await made.fairlead(made.pod, "capture-rules", "--mode", "sidecar", "--apply");
  try {
    const probe = `fetch("http://${CLIENT.ipv4}:8080/").then((a) => a.text()).then(console.log)`;
    const answer = await made.run(made.node, process.execPath, ["-e", probe]);
    assert.equal(answer.trim(), "alive");
    const asked = `fetch("http://127.0.0.1:9901/capture?format=json")
      .then((a) => a.text()).then(console.log)`;
    const { decisions } = JSON.parse(await made.run(made.pod, process.execPath, ["-e", asked]));
    const [decision] = decisions as { destination: string; reason: string }[];
    assert.equal(decision?.destination, `${CLIENT.ipv4}:8080`, "it came by the proxy");
    assert.equal(decision?.reason, "a connection to this pod");
  } finally {
    await made.fairlead(made.pod, "capture-rules", "--mode", "sidecar", "--delete");
    await proxy.stop();
    app.kill();
  }
});

capturing("a control plane says what is captured, and where calls go", async (made, t) => {
  const control = "127.0.0.1:18000";
  const server = made.pod.start(process.execPath, [
    ...[join(rootDir, "src/cli/main.ts"), "control", "--listen", control],
    ...["--objects", join(made.node.directory, "objects")],
  ]);
  await server.waitFor(/"msg":"listening"/);
  const proxy = await made.startProxy(made.pod, [
    "--mode",
    "sidecar",
    "--control",
    control,
    ...ADMIN,
  ]);
  await made.fairlead(made.pod, "capture-rules", "--mode", "sidecar", "--apply");
  try {
    await isBalanced(made, t, CLUSTER_IPS.echo);
    await othersPass(made);
  } finally {
    await made.fairlead(made.pod, "capture-rules", "--mode", "sidecar", "--delete");
    await proxy.stop();
    await server.stop();
  }
});

capturing("a killed sidecar refuses at once, and the next one serves", async (made, t) => {
  const rules = ["capture-rules", "--mode", "sidecar"];
  const first = await made.startProxy(made.pod, ["--mode", "sidecar", ...ADMIN]);
  await made.fairlead(made.pod, ...rules, "--apply");
  try {
    await isBalanced(made, t, CLUSTER_IPS.echo);
    first.kill();
    await first.exited;
    const refused = await made.dial("connect", CLUSTER_IPS.others, PORTS.http);
    assert.equal(refused.error, "ECONNREFUSED");
    const second = await made.startProxy(made.pod, ["--mode", "sidecar", ...ADMIN]);
    await isBalanced(made, t, CLUSTER_IPS.echo);
    await second.stop();
  } finally {
    await made.fairlead(made.pod, ...rules, "--delete");
    first.kill();
  }
});

capturing("rules that do not exempt the proxy: the loop is found, and ended", async (made) => {
  const proxy = await made.startProxy(made.pod, ["--mode", "sidecar", ...ADMIN]);
  await made.fairlead(made.pod, "capture-rules", "--mode", "sidecar", "--uid", "4242", "--apply");
  try {
    const { error } = await made.dial("greeting", CLUSTER_IPS.others, PORTS.serverFirst);
    assert.equal(error, "ECONNRESET");
    await proxy.waitFor(/"reason":"loop"/);
  } finally {
    await made.fairlead(made.pod, "capture-rules", "--mode", "sidecar", "--delete");
    await proxy.stop();
  }
});
