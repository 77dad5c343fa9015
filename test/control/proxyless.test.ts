/**
 * Stock gRPC programs of every language with an `xds:///` target, driven by `fairlead control`:
 * start, scale, rollout, rules that are wrong, restart and outage of the control plane, policy by
 * annotation.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort } from "../peers/processes.ts";
import { ControlPlane } from "./control-plane.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";
import { failuresOf, LANGUAGES, type Language, peersOf, XdsClient } from "./xds-client.ts";

/** Addresses of pods, apart for each language. */
const ipOf = (language: number, pod: number) => `127.0.${40 + language}.${pod}`;

test("start, scale, rollout, outage of the control plane", { concurrency: 4 }, async (t) => {
  const tests = LANGUAGES.map((language, i) =>
    t.test(language.name, async (own) => scenario(own, language, (pod) => ipOf(i, pod))),
  );
  await Promise.all(tests);
});

async function scenario(
  t: Parameters<Language["command"]>[0] & { diagnostic(text: string): void },
  language: Language,
  ip: (pod: number) => string,
): Promise<void> {
  const echo = requirePeer(t, "echo-server");
  const command = language.command(t);
  if (echo === null || command === null) return;
  const objects = new ObjectsDirectory();
  const pods = new Pods(echo, objects, "echo", await freePort());
  const peer = (pod: number) => `${ip(pod)}:${pods.port}`;
  objects.service("echo", { config: { loadBalancingConfig: [{ round_robin: {} }] } });
  await pods.add(ip(1), ip(2), ip(3));
  const admin = await freePort();
  const plane = await ControlPlane.startWith(objects.path, ["--admin", String(admin)]);
  // Long: a virtual machine may need seconds for its first call.
  const client = new XdsClient(command, objects.path, plane.address, "xds:///echo.prod:50051", {
    args: ["-timeout", "20s"],
  });
  t.after?.(async () => {
    await client.stop();
    await plane.kill();
    await pods.close();
    objects.close();
  });
  await client.ready();
  // Soon, for a virtual machine warms up first.
  await eventually("an even spread over the pods", async () => {
    const spread = peersOf(await client.next(120));
    return [1, 2, 3].every((pod) => (spread.get(peer(pod)) ?? 0) >= 36);
  });
  await pods.start(ip(4));
  pods.say(ip(4), "ready");
  pods.publish();
  const publishedAt = Date.now();
  await eventually("a call at the new pod", () => peersOf(client.calls).has(peer(4)));
  const first = client.calls.find((call) => call.peer === peer(4))!;
  t.diagnostic(`slice written -> first call at the new pod ended: ${first.at - publishedAt} ms`);

  await pods.replace(
    [1, 2, 3].map((pod) => [ip(pod), ip(pod + 10)] as const),
    () => client.next(50),
  );
  const replaced = peersOf(await client.next(100));
  assert.deepEqual([...replaced.keys()].sort(), [4, 11, 12, 13].map(peer).sort());
  assert.deepEqual(failuresOf(client.calls), []);

  await takesRulesThatAreWrong(objects, admin, client);
  await plane.kill();
  await client.next(50);
  await plane.start();
  await pods.start(ip(5));
  pods.say(ip(5), "ready");
  pods.publish();
  await eventually(
    "a call at a pod that came after the restart",
    () => peersOf(client.calls).has(peer(5)),
    30_000,
  );
  objects.service("echo", { config: { loadBalancingConfig: [{ pick_first: {} }] } });
  const wantPeers = language.hasPickFirst ? 1 : 5;
  await eventually("calls by another policy", async () => {
    return peersOf(await client.next(60)).size === wantPeers;
  });
  assert.deepEqual(failuresOf(client.calls), []);
  assert.doesNotMatch(plane.output, /rejected/);
}

/** What cannot be carried out is said in the status, and takes nothing from the other rules. */
async function takesRulesThatAreWrong(
  objects: ObjectsDirectory,
  admin: number,
  client: XdsClient,
): Promise<void> {
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${admin}${path}`)).text();
  const routes = async () => JSON.parse(await ask("/nodes")).nodes[0].types.RDS;
  const { version } = await routes();
  const of = (value: string, type: string) => [{ headers: [{ name: "x-to", value, type }] }];
  const backendRefs = [{ name: "echo", port: 50051 }];
  objects.route("echo", { kind: "Service", name: "echo" }, [
    { matches: of("(?=x)", "RegularExpression"), backendRefs },
    { matches: of("nobody", "Exact"), backendRefs: [{ name: "nobody", port: 1 }] },
    { backendRefs },
  ]);
  await eventually("routes that the client has acknowledged", async () => {
    const row = await routes();
    return row.version !== version && row.state === "SYNCED";
  });
  assert.match(await ask("/statuses?format=json"), /Service prod\/nobody does not exist/);
  assert.deepEqual(failuresOf(await client.next(50)), []);
}
