/** Tests of token files that rotate, and of plugins through a stand-in of the optional package. */
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RecordingLogger, VirtualClock } from "../../../../base/index.ts";
import type { PluginEntry } from "../config/entries.ts";
import { accessTo } from "../http/server-suite.ts";
import { Secret } from "../secret.ts";
import { createCredentials } from "./credentials.ts";
import {
  type ClientNode,
  PLUGIN_RENEW_MS,
  PLUGIN_TIMEOUT_MS,
  PluginCredentials,
} from "./plugin.ts";
import { TOKEN_BYTES_MAX, TOKEN_READ_MS, TOKEN_STAT_MS, TokenFile } from "./token-file.ts";

const directory = mkdtempSync(join(tmpdir(), "fairlead-token-"));
after(() => rmSync(directory, { recursive: true }));

function tokenFile(text: string) {
  const clock = new VirtualClock();
  const log = new RecordingLogger();
  const path = join(mkdtempSync(join(directory, "t-")), "token");
  writeFileSync(path, text);
  const credentials = new TokenFile(path, null, { clock, log });
  const token = async () => (await credentials.present()).token?.reveal();
  return { clock, log, path, credentials, token };
}

/** A JWT that nobody has signed. */
function jwt(expMs: number, id: string): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ exp: expMs / 1000, id })}.x`;
}

test("a token file that changed is read again, at most a second later", async () => {
  const { clock, path, token } = tokenFile("one\n");
  assert.equal(await token(), "one");
  writeFileSync(`${path}.new`, "two\n");
  renameSync(`${path}.new`, path);
  assert.equal(await token(), "one", "no look closer than a second");
  clock.advance(TOKEN_STAT_MS);
  assert.equal(await token(), "two");
});

test("it is read at least each minute, even if its stamp lies", async () => {
  const { clock, path, token } = tokenFile("one");
  const then = new Date(1_000_000_000_000);
  utimesSync(path, then, then);
  clock.advance(TOKEN_STAT_MS);
  assert.equal(await token(), "one");
  writeFileSync(path, "two");
  clock.advance(TOKEN_READ_MS);
  assert.equal(await token(), "two");
});

test("a token that has expired is not kept: the file is read for each request", async () => {
  const clock = new VirtualClock();
  const first = jwt(clock.wallMs() + 500, "first");
  const second = jwt(clock.wallMs() + 3_600_000, "second");
  const made = tokenFile(first);
  assert.equal(await made.token(), first);
  writeFileSync(made.path, second);
  made.clock.advance(499);
  assert.equal(await made.token(), first);
  made.clock.advance(1);
  assert.equal(await made.token(), second);
});

test("a file that cannot be used leaves the last good token, and is told once", async () => {
  const { clock, log, path, token, credentials } = tokenFile("one");
  rmSync(path);
  clock.advance(TOKEN_READ_MS);
  assert.equal(await token(), "one");
  writeFileSync(path, "\n");
  clock.advance(TOKEN_READ_MS);
  assert.equal(await token(), "one");
  assert.deepEqual(log.lines, ["warn: the token file cannot be used; the last good token stays"]);
  assert.equal(credentials.renew(), false);
  writeFileSync(path, "two");
  assert.equal(credentials.renew(), true);
  assert.equal(await token(), "two");
});

test("a token file that is of no use at start is one sentence", () => {
  const at = (text: string | null) => () => {
    const path = join(directory, "bad");
    rmSync(path, { force: true });
    if (text !== null) writeFileSync(path, text);
    if (text === "large") truncateSync(path, TOKEN_BYTES_MAX + 1);
    new TokenFile(path, null, { clock: new VirtualClock(), log: new RecordingLogger() });
  };
  assert.throws(at(null), /ApiAccessError: token file .*\/bad: cannot be read: no such file$/);
  assert.throws(at(" \n"), /bad: is empty$/);
  assert.throws(at("a b"), /bad: must hold one token of printable ASCII$/);
  assert.throws(at("large"), /bad: larger than 65536 bytes$/);
});

test("a token beside a token file is in use until the file is there", async () => {
  const path = join(directory, "later");
  const deps = { clock: new VirtualClock(), log: new RecordingLogger() };
  const { user, cluster } = accessTo(
    "https://a",
    {},
    { token: new Secret("given"), tokenFile: path },
  );
  const credentials = createCredentials(user, cluster, deps);
  assert.equal((await credentials.present()).token?.reveal(), "given");
  writeFileSync(path, "file");
  deps.clock.advance(TOKEN_STAT_MS);
  assert.equal((await credentials.present()).token?.reveal(), "file");
});

/** A stand-in of the package: `answer` fills the options in, as `applyToHTTPSOptions` does. */
function plugin(
  answer: (options: Record<string, unknown>) => unknown,
  entry: Partial<PluginEntry> = {},
) {
  const clock = new VirtualClock();
  const seen = { loads: 0, runs: 0, options: [] as unknown[] };
  class KubeConfig {
    loadFromOptions(options: unknown) {
      seen.options.push(options);
    }
    async applyToHTTPSOptions(options: Record<string, unknown>) {
      seen.runs += 1;
      await answer(options);
    }
  }
  const config = new Secret(JSON.stringify({ exec: { apiVersion: "v1", command: "login" } }));
  const full: PluginEntry = { kind: "exec plugin", name: "login", userName: "u", config, ...entry };
  const credentials = new PluginCredentials(full, accessTo("https://a:6443").cluster, {
    clock,
    log: new RecordingLogger(),
    loadClientNode: async () => {
      seen.loads += 1;
      return { KubeConfig } as ClientNode;
    },
  });
  return { clock, seen, credentials };
}

test("a plugin gives a token, and is told what exec plugins are told", async () => {
  const { seen, credentials, clock } = plugin((options) => {
    options.headers = { Authorization: "Bearer from-plugin" };
  });
  const [first, second] = await Promise.all([credentials.present(), credentials.present()]);
  assert.equal(first.token?.reveal(), "from-plugin");
  assert.equal(second, first);
  assert.equal(seen.runs, 1, "requests at the same time share one run");
  const { users } = seen.options[0] as { users: { name: string; exec: { env: unknown[] } }[] };
  assert.equal(users[0].name, "u");
  const value = '{"apiVersion":"v1","kind":"ExecCredential","spec":{"interactive":false}}';
  assert.deepEqual(users[0].exec.env, [{ name: "KUBERNETES_EXEC_INFO", value }]);
  assert.equal(clock.pendingCount, 0);
});

test("a plugin may give a client certificate instead", async () => {
  const { credentials } = plugin((options) => {
    options.cert = "-----BEGIN CERTIFICATE-----";
    options.key = Buffer.from("-----BEGIN PRIVATE KEY-----");
  });
  const { token, certificate } = await credentials.present();
  assert.equal(token, null);
  assert.equal(certificate?.cert, "-----BEGIN CERTIFICATE-----");
  assert.equal(certificate?.key.reveal(), "-----BEGIN PRIVATE KEY-----");
});

test("refused credentials of a plugin are asked for anew, but not all the time", async () => {
  let run = 0;
  const { clock, seen, credentials } = plugin((options) => {
    options.headers = { Authorization: `Bearer ${++run}` };
  });
  await credentials.present();
  assert.equal(seen.options.length, 1);
  assert.equal(credentials.renew(), true);
  await credentials.present();
  assert.equal(seen.options.length, 2, "a new config has nothing in its cache");
  assert.equal(credentials.renew(), false);
  clock.advance(PLUGIN_RENEW_MS);
  assert.equal(credentials.renew(), true);
});

const FAILURES: readonly (readonly [name: string, () => unknown, RegExp])[] = [
  ["nothing", () => {}, /^exec plugin login: gives neither a token nor a certificate$/],
  [
    "no command",
    () => Promise.reject(Object.assign(new Error("spawn login ENOENT"), { code: "ENOENT" })),
    /^exec plugin login: the command is not there; it must be in PATH$/,
  ],
  [
    "no JSON",
    () => JSON.parse("no"),
    /^exec plugin login: it does not print an ExecCredential in JSON$/,
  ],
  [
    "a complaint",
    () => Promise.reject(new Error(`\nplease log in ${"x".repeat(60)}\nmore`)),
    /^exec plugin login: it failed: please log in \*\*\*$/,
  ],
  [
    "a token where the line is cut",
    () => Promise.reject(new Error(`${"no ".repeat(60)}${"x".repeat(60)}`)),
    /^exec plugin login: it failed: (no ){60}\*\*\*$/,
  ],
  [
    "a short key",
    () => Promise.reject(new Error("at https://login.example.test/: AKIA0123456789ABCDEF no")),
    /^exec plugin login: it failed: at https:\/\/login.example.test\/: \*\*\* no$/,
  ],
];
for (const [name, answer, sentence] of FAILURES) {
  test(`a plugin that fails is one sentence: ${name}`, async () => {
    const { credentials } = plugin(answer);
    await assert.rejects(credentials.present(), { name: "ApiAccessError", message: sentence });
  });
}

test("a plugin that failed is not run for each request: its failure is good for ten seconds", async () => {
  const { clock, seen, credentials } = plugin(() => Promise.reject(new Error("no")));
  await assert.rejects(credentials.present());
  clock.advance(PLUGIN_RENEW_MS - 1);
  await assert.rejects(credentials.present(), /login: it failed: no$/);
  assert.equal(seen.runs, 1);
  clock.advance(1);
  await assert.rejects(credentials.present());
  assert.equal(seen.runs, 2);
});

test("a plugin that hangs is given up after a minute", async () => {
  const { clock, credentials, seen } = plugin(() => new Promise(() => {}));
  const outcome = assert.rejects(credentials.present(), /login: no answer within 60 s$/);
  while (seen.runs === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(PLUGIN_TIMEOUT_MS);
  await outcome;
  assert.equal(clock.pendingCount, 0);
});

test("without the optional package the sentence names it, and how to get it", async () => {
  const entry: PluginEntry = {
    kind: "auth provider",
    name: "oidc",
    userName: "u",
    config: new Secret('{"authProvider":{"name":"oidc"}}'),
  };
  const load = () =>
    Promise.reject(Object.assign(new Error("x"), { code: "ERR_MODULE_NOT_FOUND" }));
  const credentials = new PluginCredentials(entry, accessTo("https://a").cluster, {
    clock: new VirtualClock(),
    log: new RecordingLogger(),
    loadClientNode: load,
  });
  await assert.rejects(credentials.present(), {
    message:
      "auth provider oidc: needs the package @kubernetes/client-node, which is not installed: " +
      "npm install @kubernetes/client-node",
  });
});
