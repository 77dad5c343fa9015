/** Cases of the channel suite: TLS, client certificates, and metadata that credentials add. */
import assert from "node:assert/strict";
import { type Authority, createAuthority, type IssuedPair } from "../../../support/certificates.ts";
import { differs } from "../differences.ts";
import { type CallCredentials, outcome, type Security } from "../driver.ts";
import { aWhile, type Case, newCase, type Scene } from "../scene.ts";
import type { StockServer } from "../stock-server.ts";

const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
const PING = Buffer.from("ping");

/** What all cases share: keys take longest to make. */
interface Keys {
  readonly authority: Authority;
  readonly stranger: Authority;
  /** For 127.0.0.1. */
  readonly server: IssuedPair;
  /** For "orders.test" only. */
  readonly named: IssuedPair;
  readonly client: IssuedPair;
  readonly strangeClient: IssuedPair;
}

let shared: Promise<Keys> | null = null;

async function makeKeys(): Promise<Keys> {
  const authority = await createAuthority("a test CA");
  const stranger = await createAuthority("another test CA");
  return {
    authority,
    stranger,
    server: await authority.issue({ names: ["127.0.0.1"] }),
    named: await authority.issue({ names: ["orders.test"] }),
    client: await authority.issue({ names: ["client.test"] }),
    strangeClient: await stranger.issue({ names: ["client.test"] }),
  };
}

/** Keys, and a server with TLS: with the pair of that name, asking for certificates or not. */
async function secured(
  scene: Scene,
  { pair = "server", isMutual = false }: { pair?: "server" | "named"; isMutual?: boolean } = {},
): Promise<{ keys: Keys; server: StockServer; security: Security }> {
  shared ??= makeKeys();
  const keys = await shared;
  const ca = keys.authority.cert;
  const tls = isMutual ? { ...keys[pair], ca } : keys[pair];
  return { keys, server: await scene.stock({ tls }), security: { ca } };
}

/** Gives a token, later. */
const token: CallCredentials = async (serviceUrl) => {
  await aWhile(5);
  return [
    ["authorization", "Bearer secret"],
    ["x-audience", serviceUrl],
  ];
};

const broken: CallCredentials = async () => {
  await aWhile(1);
  throw new Error("the token has expired");
};

const TLS_CASES: readonly Case[] = [
  newCase("TLS: a server of the right CA and name is trusted", async (scene) => {
    const { server, security } = await secured(scene);
    const result = await outcome(scene.open(server.address, { security }).unary(PING));
    assert.deepEqual([result.code, result.message], [0, PING]);
    assert.deepEqual(server.hosts, [server.address]);
  }),

  newCase("TLS: a server of another CA gets no call", async (scene) => {
    const { keys, server } = await secured(scene);
    const channel = scene.open(server.address, { security: { ca: keys.stranger.cert } });
    const result = await outcome(channel.unary(PING));
    assert.equal(result.code, UNAVAILABLE);
    assert.match(result.details, /certificate/);
    assert.equal(server.seen.length, 0);
  }),

  newCase("TLS: a server of another name gets no call", async (scene) => {
    const { server, security } = await secured(scene, { pair: "named" });
    const result = await outcome(scene.open(server.address, { security }).unary(PING));
    assert.equal(result.code, UNAVAILABLE);
    assert.match(result.details, /127\.0\.0\.1/);
    assert.equal(server.seen.length, 0);
  }),

  newCase("TLS: the name to expect can be overridden", async (scene) => {
    const { server, security } = await secured(scene, { pair: "named" });
    const named = { ...security, targetName: "orders.test" };
    const result = await outcome(scene.open(server.address, { security: named }).unary(PING));
    assert.equal(result.code, 0);
    assert.deepEqual(server.hosts, [server.address]);
  }),

  newCase("plaintext to a TLS server is UNAVAILABLE", async (scene) => {
    const { server } = await secured(scene);
    const channel = scene.open(server.address, { backoffMs: 10_000 });
    assert.equal((await outcome(channel.unary(PING))).code, UNAVAILABLE);
  }),

  newCase("TLS to a plaintext server is UNAVAILABLE", async (scene) => {
    const { security } = await secured(scene);
    const plain = await scene.stock();
    const channel = scene.open(plain.address, { security, backoffMs: 10_000 });
    assert.equal((await outcome(channel.unary(PING))).code, UNAVAILABLE);
  }),

  newCase("mTLS: a client with a certificate of the CA is let in", async (scene) => {
    const { keys, server, security } = await secured(scene, { isMutual: true });
    const channel = scene.open(server.address, { security: { ...security, ...keys.client } });
    assert.equal((await outcome(channel.unary(PING))).code, 0);
  }),

  newCase("mTLS: a client without a certificate is not", async (scene) => {
    const { server, security } = await secured(scene, { isMutual: true });
    const channel = scene.open(server.address, { security, backoffMs: 10_000 });
    assert.equal((await outcome(channel.unary(PING))).code, UNAVAILABLE);
    assert.equal(server.seen.length, 0);
  }),

  newCase("mTLS: a client of another CA is not", async (scene) => {
    const { keys, server, security } = await secured(scene, { isMutual: true });
    const own = { ...security, ...keys.strangeClient };
    const channel = scene.open(server.address, { security: own, backoffMs: 10_000 });
    assert.equal((await outcome(channel.unary(PING))).code, UNAVAILABLE);
    assert.equal(server.seen.length, 0);
  }),

  newCase("a client's certificate without its key is refused when it is given", async (scene) => {
    const { keys, server, security } = await secured(scene);
    const half = { ...security, cert: keys.client.cert };
    assert.throws(() => scene.open(server.address, { security: half }), /key/i);
  }),
];

const TOKEN_CASES: readonly Case[] = [
  newCase(
    "call credentials of the channel are in every call",
    async (scene) => {
      const { server, security } = await secured(scene);
      const channel = scene.open(server.address, { security, callCredentials: token });
      for (let i = 0; i < 2; i += 1) assert.equal((await outcome(channel.unary(PING))).code, 0);
      for (const seen of server.seen) {
        assert.deepEqual(seen.get("authorization"), ["Bearer secret"]);
        const [host] = server.address.split(":");
        assert.match(
          String(seen.get("x-audience")[0]),
          new RegExp(`^https://${host}.*/suite.Suite$`),
        );
      }
      assert.equal(server.seen.length, 2);
    },
    ["channel credentials"],
  ),

  newCase(
    "credentials of one call are in that call only",
    async (scene) => {
      const { server, security } = await secured(scene);
      const channel = scene.open(server.address, { security });
      assert.equal((await outcome(channel.unary(PING, { credentials: token }))).code, 0);
      assert.equal((await outcome(channel.unary(PING))).code, 0);
      const seen = server.seen.map((metadata) => metadata.get("authorization"));
      assert.deepEqual(seen, [["Bearer secret"], []]);
    },
    ["call credentials"],
  ),

  newCase(
    "credentials of channel and call come together",
    async (scene) => {
      const { server, security } = await secured(scene);
      const channel = scene.open(server.address, { security, callCredentials: token });
      const credentials: CallCredentials = async () => [["x-more", "yes"]];
      assert.equal((await outcome(channel.unary(PING, { credentials }))).code, 0);
      assert.deepEqual(server.seen[0]!.get("authorization"), ["Bearer secret"]);
      assert.deepEqual(server.seen[0]!.get("x-more"), ["yes"]);
    },
    ["channel credentials", "call credentials"],
  ),

  newCase(
    "credentials that fail are the call's status, and nothing is sent",
    async (scene) => {
      const { server, security } = await secured(scene);
      const channel = scene.open(server.address, { security });
      const result = await outcome(channel.unary(PING, { credentials: broken }));
      assert.notEqual(result.code, 0);
      assert.match(result.details, /the token has expired/);
      assert.equal(server.seen.length, 0);
    },
    ["call credentials"],
  ),

  newCase(
    "a deadline does not wait for credentials",
    async (scene) => {
      const { server, security } = await secured(scene);
      const channel = scene.open(server.address, { security });
      const credentials: CallCredentials = () => new Promise(() => {});
      const result = await outcome(channel.unary(PING, { credentials, deadlineMs: 40 }));
      assert.equal(result.code, 4);
      assert.equal(server.seen.length, 0);
    },
    ["call credentials"],
  ),

  newCase(
    "call credentials and plaintext",
    async (scene) => {
      const server = await scene.stock();
      const channel = scene.open(server.address);
      const { code } = await outcome(channel.unary(PING, { credentials: token }));
      const isSent = differs(scene.driver, "plaintext token", { grpcJs: true, fairlead: false });
      assert.equal(code, isSent ? 0 : UNAUTHENTICATED);
      assert.equal(server.seen.length, isSent ? 1 : 0);
      assert.throws(() => scene.open(server.address, { callCredentials: token }), /insecure/i);
    },
    ["call credentials"],
  ),
];

/** The cases. */
export const credentialCases: readonly Case[] = [...TLS_CASES, ...TOKEN_CASES];
