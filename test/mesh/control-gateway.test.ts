/**
 * A Gateway's listeners from a control plane of ours, with real processes: `fairlead proxy
 * --gateway --control` serves what it would serve from objects, and goes on when the control plane
 * is gone.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FAIRLEAD, logLines, until } from "../cli/harness.ts";
import { freePort, type RunningProcess, startProcess } from "../peers/processes.ts";
import { callApi, Edge } from "./edge.ts";

const edge = new Edge();
let control: RunningProcess;
let address: string;

before(async () => {
  await edge.startPods(2);
  await edge.writeObjects();
  address = `127.0.0.1:${await freePort()}`;
  control = startControl();
  await control.waitFor(/"msg":"listening"/);
  await edge.startProxyOf(["--gateway", "prod/edge", "--control", address]);
});

after(async () => {
  await edge.close();
  await control.stop();
});

function startControl(): RunningProcess {
  return startProcess(FAIRLEAD, ["control", "--objects", edge.dir, "--listen", address]);
}

test("what the control plane says of the Gateway is served, and changes are taken up", async () => {
  const client = edge.client();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => callApi(client, "/api.Echo/Echo", "ab")),
  );
  assert.deepEqual(new Set(answers.map(({ code, text }) => `${code} ${text}`)), new Set(["0 ab"]));
  assert.equal(new Set(answers.map(({ hostname }) => hostname)).size, 2);
  assert.equal((await callApi(client, "/api.Reverse/Reverse", "ab")).text, "ba");
  assert.equal((await callApi(client, "/api.Nothing/Call", "")).code, 12);
});

test("calls go on without the control plane, and it is found again", async () => {
  const client = edge.client();
  await control.stop();
  await edge.proxy.waitFor(/the last good one stays|away/);
  assert.equal((await callApi(client, "/api.Echo/Echo", "x")).code, 0);
  control = startControl();
  await control.waitFor(/"msg":"listening"/);
  edge.removePod();
  await until("the pod that left gets no calls", async () => {
    const calls = Array.from({ length: 6 }, () => callApi(client, "/api.Echo/Echo", "x"));
    const answers = await Promise.all(calls);
    assert.deepEqual(new Set(answers.map(({ code }) => code)), new Set([0]));
    return new Set(answers.map(({ hostname }) => hostname)).size === 1;
  });
  assert.ok(logLines(edge.proxy).some(({ msg }) => msg === "listening"));
});

test("a Gateway that does not exist, and a control plane that is away, are told", async (t) => {
  const proxyOf = (gateway: string, control: string): RunningProcess => {
    const flags = ["--gateway", gateway, "--control", control, "--listen", "443=127.0.0.1:0"];
    const proxy = startProcess(FAIRLEAD, ["proxy", ...flags]);
    t.after(() => proxy.stop());
    return proxy;
  };
  const [astray, alone] = [proxyOf("prod/nope", address), proxyOf("prod/edge", "127.0.0.1:1")];
  await astray.waitFor(/configuration without a listener: nothing is served/);
  await alone.waitFor(/no configuration yet/);
  assert.ok(!logLines(alone).some(({ msg }) => /last good one/.test(String(msg))));
  await control.waitFor(/no Gateway prod\/nope/);
});
