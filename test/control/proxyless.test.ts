/**
 * Stock gRPC programs of every language with an `xds:///` target, driven by `fairlead control`:
 * start, scale, rollout, restart and outage of the control plane, policy by annotation.
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

for (const [index, language] of LANGUAGES.entries()) {
  test(`${language.name}: start, scale, rollout, outage of the control plane`, async (t) => {
    await scenario(t, language, (pod) => ipOf(index, pod));
  });
}

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
  const plane = await ControlPlane.start(objects.path);
  const client = new XdsClient(command, objects.path, plane.address, "xds:///echo.prod:50051");
  t.after?.(async () => {
    await client.stop();
    await plane.kill();
    await pods.close();
    objects.close();
  });
  /** Peers of calls that started from now on, once there are so many. */
  const next = async (count: number) => {
    client.news();
    let calls = client.news();
    await eventually(`${count} calls`, () => {
      calls = [...calls, ...client.news()];
      return calls.length >= count;
    });
    return peersOf(calls);
  };

  await client.ready();
  await next(60); // All are connected by now.
  const spread = [...(await next(120)).entries()].sort();
  assert.deepEqual(
    spread.map(([name]) => name),
    [1, 2, 3].map(peer).sort(),
  );
  for (const [name, count] of spread) assert.ok(count >= 30, `${name} got ${count} of 120 calls`);

  await pods.start(ip(4));
  pods.say(ip(4), "ready");
  pods.publish();
  const publishedAt = Date.now();
  await eventually("a call at the new pod", () => peersOf(client.calls).has(peer(4)));
  const first = client.calls.find((call) => call.peer === peer(4))!;
  t.diagnostic(`slice written -> first call at the new pod ended: ${first.at - publishedAt} ms`);

  for (const pod of [1, 2, 3, 4]) {
    await pods.start(ip(pod + 10));
    pods.say(ip(pod + 10), "ready");
    pods.say(ip(pod), "leaving");
    pods.publish();
    await next(60);
    await pods.stop(ip(pod));
    pods.say(ip(pod), null);
    pods.publish();
  }
  const replaced = await next(100);
  assert.deepEqual([...replaced.keys()].sort(), [11, 12, 13, 14].map(peer).sort());
  assert.deepEqual(failuresOf(client.calls), []);

  await plane.kill();
  await next(50);
  await plane.start();
  await pods.start(ip(5));
  pods.say(ip(5), "ready");
  pods.publish();
  await eventually(
    "a call at a pod that came after the restart",
    () => peersOf(client.calls).has(peer(5)),
    30_000,
  );
  assert.deepEqual(failuresOf(client.calls), []);
}
