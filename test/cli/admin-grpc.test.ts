/**
 * `fairlead proxy --admin-grpc`: channelz of a running proxy, asked by a stock client; and by
 * grpcdebug itself where it is on the PATH.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { runProcess, stopAll } from "../peers/processes.ts";
import {
  ask,
  call,
  FAIRLEAD,
  logLines,
  type StartedProxy,
  startProxy,
  startUpstream,
  type Upstream,
  until,
  withSession,
} from "./harness.ts";

let upstream: Upstream;
let proxy: StartedProxy;
let address: string;

before(async () => {
  upstream = await startUpstream("a");
  const admin = ["--admin", "0", "--admin-grpc", "127.0.0.1:0"];
  proxy = await startProxy("--listen", "127.0.0.1:0", "--to", upstream.address, ...admin);
  await until("it is ready", async () => (await ask(proxy.admin, "/ready")).status === 200);
  const line = logLines(proxy.process).find(({ msg }) => msg === "admin over gRPC");
  address = String(line?.address);
});

after(async () => {
  await stopAll();
  await upstream.close();
});

test("a stock client of channelz sees the target, its endpoint and the calls", async (t) => {
  await withSession(`http://${proxy.addresses[0]}`, async (session) => {
    for (let n = 0; n < 3; n += 1) await call(session);
  });
  const grpcJs = createRequire(import.meta.url).resolve("@grpc/grpc-js/package.json");
  const proto = join(dirname(grpcJs), "proto/channelz.proto");
  const loaded = grpc.loadPackageDefinition(loadSync(proto, { longs: Number, enums: String }));
  // biome-ignore lint/suspicious/noExplicitAny: as the proto says.
  const Client = (loaded as any).grpc.channelz.v1.Channelz;
  const client = new Client(address, grpc.credentials.createInsecure());
  t.after(() => client.close());
  // biome-ignore lint/suspicious/noExplicitAny: as the proto says.
  const { channel } = await new Promise<any>((resolve, reject) => {
    client.GetTopChannels({}, (error: Error | null, answer: unknown) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
  const [{ data, subchannelRef }] = channel;
  assert.deepEqual([data.target, data.state.state], [upstream.address, "READY"]);
  assert.equal(data.callsStarted, 3);
  assert.equal(subchannelRef.length, 1);
});

test("grpcdebug shows the same", async (t) => {
  const paths = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, "grpcdebug"));
  const grpcdebug = paths.find(existsSync);
  if (grpcdebug === undefined) return t.skip("grpcdebug is not on the PATH");
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runProcess(grpcdebug, [address, ...args]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const channels = await run("channelz", "channels");
  const [, id] = /^(\d+) +\S+ +READY /m.exec(channels) ?? assert.fail(channels);
  const [, subchannel] = /^(\d+) +\S+ +READY /m.exec(await run("channelz", "channel", id!)) ?? [];
  assert.match(await run("channelz", "subchannel", subchannel!), /->127\.0\.0\.1:\d+/);
  assert.match(await run("channelz", "servers"), /\[127\.0\.0\.1:\d+\]/);
  assert.match(await run("health"), /SERVING/);
});

test("an address that is taken is said by the flag's name", async () => {
  const args = ["--listen", "127.0.0.1:0", "--to", upstream.address, "--admin-grpc", address];
  const { code, stderr } = await runProcess(FAIRLEAD, ["proxy", ...args]);
  assert.equal(code, 1);
  assert.match(stderr, /--admin-grpc: cannot listen on .*: the address is in use/);
  const wrong = await runProcess(FAIRLEAD, ["proxy", "--admin-grpc", "x"]);
  assert.deepEqual(
    [wrong.code, /--admin-grpc "x": must be HOST:PORT/.test(wrong.stderr)],
    [2, true],
  );
});
