/** Tests of `register()` into another copy of grpc-js than ours, and without `dns`. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as own from "@grpc/grpc-js";
import { register } from "../../src/client/grpc-js/register/index.ts";
import { startServer } from "./stock.ts";

const require = createRequire(import.meta.url);

/** As a package that brings its own version has it. */
function loadCopy(): typeof own {
  const held = new Map(Object.entries(require.cache));
  for (const path of held.keys()) if (path.includes("@grpc/grpc-js")) delete require.cache[path];
  const copy = require("@grpc/grpc-js") as typeof own;
  for (const [path, module] of held) if (module !== undefined) require.cache[path] = module;
  return copy;
}

test("a copy gets what it is given, and the other is left alone; dns stays grpc-js' own", async (t) => {
  const grpc = loadCopy();
  assert.notEqual(grpc.Client, own.Client);
  const registered = register({ grpc, dns: false });
  assert.deepEqual(registered.schemes, ["kubernetes", "static"]);
  assert.ok(grpc.experimental.isLoadBalancerNameRegistered("least_request"));
  assert.ok(!own.experimental.isLoadBalancerNameRegistered("least_request"));
  const server = await startServer("127.0.2.9:50051");
  t.after(() => server.close());
  const config = { loadBalancingConfig: [{ least_request: {} }] };
  const client = new grpc.Client(`static:///${server.address}`, grpc.credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify(config),
  });
  t.after(() => client.close());
  const answer = await new Promise((resolve, reject) => {
    const same = (bytes: Buffer) => bytes;
    const request = Buffer.from("hello");
    client.makeUnaryRequest("/test.Echo/Call", same, same, request, (error, value) =>
      error === null ? resolve(String(value)) : reject(error),
    );
  });
  assert.equal(answer, "hello");
  // Ours refuses this name by its own words; grpc-js' own looks it up.
  const bad = new grpc.Client("dns:///bad..name:1", grpc.credentials.createInsecure());
  t.after(() => bad.close());
  const error = await new Promise<own.ServiceError | null>((resolve) => {
    const same = (bytes: Buffer) => bytes;
    bad.makeUnaryRequest("/test.Echo/Call", same, same, Buffer.from(""), (e) => resolve(e));
  });
  assert.doesNotMatch(error?.details ?? "", /is not a host name/);
});
