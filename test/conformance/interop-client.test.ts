/**
 * gRPC's interop cases with our client: stubs of grpc-js on fairlead's channel, and the plain API,
 * against the interop servers of three languages. grpc-js on its own channel runs the same cases
 * against the same servers, which shows that they can be passed.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { SERVED_CASES, SERVER_LANGUAGES, startInteropServer } from "../peers/interop-servers.ts";
import { INTEROP_CHANNELS, LACKED_CASES } from "../peers/node/interop-channels.ts";
import { stopAll } from "../peers/processes.ts";
import { runInterop } from "../peers/storms.ts";

after(() => stopAll());

/** The cases that not every server serves. */
const COMPRESSED_AND_SOAK = [
  "client_compressed_unary",
  "server_compressed_unary",
  "client_compressed_streaming",
  "server_compressed_streaming",
  "rpc_soak",
  "channel_soak",
];

test("interop: every case has a server", () => {
  const served = new Set(SERVER_LANGUAGES.flatMap((language) => SERVED_CASES[language]));
  for (const name of COMPRESSED_AND_SOAK) assert.ok(served.has(name), name);
});

for (const channel of INTEROP_CHANNELS) {
  for (const language of SERVER_LANGUAGES) {
    test(`interop: the ${channel} channel passes all cases of ${language}'s server`, async (t) => {
      const server = await startInteropServer(t, language);
      if (server === null) return;
      const { address } = server;
      const lacked = LACKED_CASES[channel] ?? [];
      const cases = SERVED_CASES[language].filter((name) => !lacked.includes(name));
      const failures = await runInterop(t, "node", address, cases, channel);
      assert.deepEqual(failures, {});
    });
  }
}
