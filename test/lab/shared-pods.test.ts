/**
 * Pods that share a process: from the 25th on, at most 8 in each, and what is done to one of them
 * is done to no other.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { realClock } from "../../src/base/index.ts";
import { ECHO_SERVICE } from "../../src/lab/pods/echo.ts";
import type { Pod } from "../../src/lab/pods/pod.ts";
import { LOOPBACK } from "../../src/lab/pods/pod-network.ts";
import { PodProcesses } from "../../src/lab/pods/pod-processes.ts";
import { podNames, startPod, startPods } from "../../src/lab/pods/pods.ts";
import { Children } from "../../src/lab/system/children.ts";

const USUAL = { slowFactor: 1, isServing: true, isSick: false };

/** The name of who answered, or the code of the status. */
function say({ address }: Pod): Promise<string | grpc.status> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = ECHO_SERVICE.say;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, "", (error, name) => {
      client.close();
      resolve(error ? error.code : name!);
    });
  });
}

/** A connection; its end is "ECONNRESET" or "closed". */
async function connect({ address }: Pod) {
  const [host, port] = address.split(":") as [string, string];
  const socket = net.connect(Number(port), host);
  await once(socket, "connect");
  socket.resume();
  const end = new Promise<string>((resolve) => {
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code!));
    socket.once("close", () => resolve("closed"));
  });
  return { socket, end };
}

type SixPods = readonly [Pod, Pod, Pod, Pod, Pod, Pod];

function groups(pods: readonly Pod[]): readonly (readonly Pod[])[] {
  return [...Map.groupBy(pods, ({ pid }) => pid).values()];
}

test("24 pods have a process each; of 25 at most 8 share one, and a new one finds room", async (t) => {
  const children = new Children(realClock());
  t.after(() => children.close());
  const processes = new PodProcesses(children);
  const set = await startPods(processes, podNames(25), LOOPBACK);
  const sizes = () => groups(set.pods).map((group) => group.length);
  assert.deepEqual(sizes(), [6, 6, 6, 7]);

  const [slow, sick, killed, ended, other, last] = groups(set.pods)[0] as SixPods;
  await t.test("slow and sick are those that were told to be", async () => {
    slow.behave({ ...USUAL, slowFactor: 100 });
    sick.behave({ ...USUAL, isSick: true });
    const answers: unknown[] = [];
    const calls = [slow, sick, other].map(async (pod) => answers.push(await say(pod)));
    await Promise.all(calls);
    assert.equal(answers.at(-1), slow.name, "the slow one answers last");
    assert.deepEqual(answers.slice(0, 2).toSorted(), [grpc.status.UNAVAILABLE, other.name]);
  });

  await t.test("a killed one resets its connections and refuses new ones, alone", async () => {
    const [mine, theirs] = [await connect(killed), await connect(other)];
    killed.kill();
    assert.equal(await mine.end, "ECONNRESET");
    await killed.ended;
    await assert.rejects(connect(killed), { code: "ECONNREFUSED" });
    assert.equal(await say(other), other.name);
    assert.equal(theirs.socket.destroyed, false);
    theirs.socket.destroy();
  });

  await t.test("one that is ended finishes its calls, and takes no new connection", async () => {
    ended.behave({ ...USUAL, slowFactor: 200 });
    const call = say(ended);
    // The call is there once it has a stream; a pod tells nobody, so give it a while.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const end = ended.end();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await assert.rejects(connect(ended), { code: "ECONNREFUSED" });
    assert.equal(await call, ended.name);
    await end;
    assert.equal(await say(other), other.name);
  });

  await t.test(
    "a new one comes where there is room, and when its process dies, so does it",
    async () => {
      const added = await Promise.all(
        [25, 26, 27].map((index) => startPod(processes, `echo-${index + 1}`, index, set, LOOPBACK)),
      );
      const here = added.filter(({ pid }) => pid === other.pid);
      assert.ok(here.length > 0, "in a process that was there");
      assert.equal(await say(here[0]!), here[0]!.name);
      process.kill(other.pid, "SIGKILL");
      await Promise.all([slow, sick, other, last, ...here].map((pod) => pod.ended));
      const rest = set.pods.filter(({ pid }) => pid !== other.pid);
      assert.equal(await say(rest[0]!), rest[0]!.name);
    },
  );
});
