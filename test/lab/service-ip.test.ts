/**
 * A Service's virtual IP as the relay has it: connections go where kube-proxy would lead them.
 */
import assert from "node:assert/strict";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { realClock } from "../../src/base/index.ts";
import { startRelay } from "../../src/lab/lanes/service-ip-relay.ts";
import { Children } from "../../src/lab/system/children.ts";

/** A server that tells its name to each connection, and holds it. */
async function startEndpoint(t: TestContext, name: string) {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.write(name);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const kill = (): void => {
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
  };
  t.after(kill);
  return { address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`, kill };
}

async function startService(t: TestContext, addresses: readonly string[]) {
  const children = new Children(realClock());
  t.after(() => children.close());
  const broken: string[] = [];
  const service = await startRelay("the ClusterIP", { host: "127.0.0.1", port: 0 }, addresses, {
    children,
    clock: realClock(),
    onBroken: (reason) => broken.push(reason),
  });
  return { service, children, broken };
}

/** Connects; resolves with what it is told first, or with the code of its error. */
function connect(t: TestContext, address: string) {
  const [host, port] = address.split(":");
  const socket = net.connect(Number(port), host);
  t.after(() => socket.destroy());
  const ended = new Promise<string>((resolve) => {
    socket.on("error", ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
    socket.on("close", () => resolve("closed"));
  });
  const told = new Promise<string>((resolve) => socket.once("data", (text) => resolve(`${text}`)));
  return { first: Promise.race([told, ended]), ended };
}

test("each connection goes to one of all endpoints, by chance", async (t) => {
  const names = ["one", "two", "three"];
  const endpoints = await Promise.all(names.map((name) => startEndpoint(t, name)));
  const { service } = await startService(
    t,
    endpoints.map(({ address }) => address),
  );
  // None of three is missed by 60 in one run of 10^10.
  const told = await Promise.all(
    Array.from({ length: 60 }, () => connect(t, service.address).first),
  );
  assert.deepEqual([...new Set(told)].toSorted(), names.toSorted());
});

test("a connection stays on its endpoint when that takes no new ones, until it ends", async (t) => {
  const [one, two] = [await startEndpoint(t, "one"), await startEndpoint(t, "two")];
  const { service } = await startService(t, [one.address]);
  const old = connect(t, service.address);
  assert.equal(await old.first, "one");
  service.follow([two.address]);
  let told = "one";
  while (told === "one") told = await connect(t, service.address).first;
  assert.equal(told, "two");
  const before = await Promise.race([old.ended, "open"]);
  assert.equal(before, "open");
  one.kill();
  assert.equal(await old.ended, "ECONNRESET");
});

// Without an endpoint from the start it led to no address at all, which is this machine's own.
test("without endpoints it refuses, from the start and later", async (t) => {
  const one = await startEndpoint(t, "one");
  const { service } = await startService(t, []);
  assert.equal(await connect(t, service.address).first, "ECONNRESET");
  service.follow([one.address]);
  let told = "";
  while (told !== "one") told = await connect(t, service.address).first;
  service.follow([]);
  while (told === "one") told = await connect(t, service.address).first;
  assert.equal(told, "ECONNRESET");
});

test("one that is told to end breaks no lane", async (t) => {
  const { children, broken } = await startService(t, []);
  await children.close();
  assert.deepEqual(broken, []);
});
