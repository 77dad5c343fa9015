/** Tests of how the API server is found: order, merge, fields, and sentences for what is wrong. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { type ApiAccessOptions, loadApiAccess } from "./access.ts";
import { KUBECONFIG_BYTES_MAX } from "./kubeconfig.ts";

const directory = mkdtempSync(join(tmpdir(), "fairlead-kubeconfig-"));
after(() => rmSync(directory, { recursive: true }));

let fileCount = 0;
function file(text: string, name = `config-${++fileCount}`): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** A kubeconfig with one of everything, named by `name`. */
function config(name: string, { user = "{token: abc}", cluster = "", context = "" } = {}): string {
  return `apiVersion: v1
kind: Config
current-context: ${name}
clusters:
- name: ${name}
  cluster: {server: "https://${name}.example:6443"${cluster}}
users:
- name: ${name}
  user: ${user}
contexts:
- name: ${name}
  context: {cluster: ${name}, user: ${name}${context}}
`;
}

type Env = Record<string, string | undefined>;
function load(options: ApiAccessOptions, env: Env = {}, serviceAccountDirectory = directory) {
  return loadApiAccess(options, { env, serviceAccountDirectory });
}

async function fails(what: Promise<unknown>): Promise<string> {
  return what.then(
    () => assert.fail("it must fail"),
    (error: Error) => {
      assert.equal(error.name, "ApiAccessError");
      assert.doesNotMatch(error.message, /\n/, "one sentence");
      return error.message.replaceAll(directory, "DIR").replaceAll(/config-\d+/g, "FILE");
    },
  );
}

function serviceAccount(files: Record<string, string>): string {
  const path = mkdtempSync(join(directory, "account-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

const POD_ENV = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };

test("--kubeconfig beats KUBECONFIG beats ~/.kube/config beats the pod", async () => {
  const account = serviceAccount({ token: "t", namespace: "podns\n" });
  mkdirSync(join(directory, ".kube"), { recursive: true });
  const flag = file(config("flag"));
  const variable = file(config("variable"));
  const home = file(config("home"), ".kube/config");
  const env = { ...POD_ENV, KUBECONFIG: variable, HOME: directory };
  const described = async (options: ApiAccessOptions, some: Env) =>
    (await load(options, some, account)).description;
  assert.equal(
    await described({ kubeconfig: flag }, env),
    "https://flag.example:6443 as context flag",
  );
  assert.match(await described({}, env), /as context variable$/);
  assert.match(await described({}, { ...env, KUBECONFIG: undefined }), /as context home$/);
  rmSync(home);
  assert.equal(
    await described({}, { ...env, KUBECONFIG: "" }),
    "https://10.96.0.1:443 as the pod's service account",
  );
});

test("files of KUBECONFIG are merged: the first that names a thing wins, missing ones do not count", async () => {
  const first = file(`current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: first}}]`);
  const second = file(`current-context: b
contexts: [{name: a, context: {cluster: other, user: other}}, {name: b, context: {cluster: c, namespace: bns}}]
clusters: [{name: c, cluster: {server: "https://c.example/"}}]
users: [{name: u, user: {token: second, as: jane}}]`);
  const KUBECONFIG = [first, join(directory, "missing"), second, first].join(delimiter);
  const access = await load({}, { KUBECONFIG });
  assert.equal(access.description, "https://c.example as context a");
  assert.equal(access.user.token?.reveal(), "first");
  assert.deepEqual(access.user.impersonate, {}, "entries are not mixed");
  const other = await load({ context: "b" }, { KUBECONFIG });
  assert.equal(other.namespace, "bns");
  assert.equal(other.user.token, null, "a context may name no user");
});

test("the namespace: --namespace, the context's, the pod's, default", async () => {
  const path = file(config("a", { context: ", namespace: ctx" }));
  assert.equal((await load({ kubeconfig: path })).namespace, "ctx");
  assert.equal((await load({ kubeconfig: path, namespace: "mine" })).namespace, "mine");
  assert.equal((await load({ kubeconfig: file(config("a")) })).namespace, "default");
  const account = serviceAccount({ token: "t", namespace: "podns\n" });
  assert.equal((await load({}, POD_ENV, account)).namespace, "podns");
  assert.equal((await load({}, POD_ENV, serviceAccount({ token: "t" }))).namespace, "default");
  assert.equal(
    await fails(load({ kubeconfig: path, namespace: "Über" })),
    "--namespace Über: at most 63 lower-case letters, digits and hyphens",
  );
});

test("in a pod: the server of the variables, the token file, the CA", async () => {
  const account = serviceAccount({ token: "t", "ca.crt": "x" });
  const env = { ...POD_ENV, KUBERNETES_SERVICE_HOST: "fd00::1", HOME: join(directory, "nobody") };
  const { cluster, user } = await load({}, env, account);
  assert.equal(cluster.server, "https://[fd00::1]:443");
  assert.equal(cluster.ca?.path, join(account, "ca.crt"));
  assert.equal(user.tokenFile, join(account, "token"));
});

test("every field of cluster and user is read; relative paths begin at the file", async () => {
  mkdirSync(join(directory, "sub"), { recursive: true });
  const pem = Buffer.from("PEM").toString("base64");
  const path = file(
    config("full", {
      cluster: `, certificate-authority: pki/ca.crt, tls-server-name: kube, proxy-url: "socks5://u:pw@127.0.0.1:1"`,
      user: `{tokenFile: ../token, client-certificate: c.crt, client-key-data: ${pem},
         as: jane, as-uid: "7", as-groups: [a, b], as-user-extra: {"scopes/x": [y]}}`,
    }),
    "sub/full",
  );
  const { cluster, user } = await load({ kubeconfig: path });
  assert.equal(cluster.ca?.path, join(directory, "sub/pki/ca.crt"));
  assert.equal(cluster.tlsServerName, "kube");
  assert.equal(cluster.proxyUrl?.reveal(), "socks5://u:pw@127.0.0.1:1");
  assert.equal(user.tokenFile, join(directory, "token"));
  assert.equal(user.certificate?.path, join(directory, "sub/c.crt"));
  assert.equal(user.key?.data?.reveal(), "PEM");
  assert.deepEqual(user.impersonate, {
    "Impersonate-User": "jane",
    "Impersonate-Uid": "7",
    "Impersonate-Group": ["a", "b"],
    "Impersonate-Extra-scopes%2Fx": ["y"],
  });
});

test("data beats a file of the same kind, as for kubectl", async () => {
  const pem = Buffer.from("PEM").toString("base64");
  const cluster = `, certificate-authority: ca.crt, certificate-authority-data: ${pem}`;
  const access = await load({ kubeconfig: file(config("a", { cluster })) });
  assert.equal(access.cluster.ca?.path, null);
  assert.equal(access.cluster.ca?.data?.reveal(), "PEM");
});

test("exec plugins and auth providers are kept for the optional package; a token beats them", async () => {
  const exec = `exec: {apiVersion: client.authentication.k8s.io/v1, command: ./bin/login, args: [x]}`;
  const { user } = await load({ kubeconfig: file(config("a", { user: `{${exec}}` })) });
  assert.equal(user.plugin?.kind, "exec plugin");
  const { exec: kept } = JSON.parse(user.plugin?.config.reveal() ?? "");
  assert.equal(kept.command, join(directory, "bin/login"));
  const provider = `{auth-provider: {name: oidc, config: {id-token: x}}}`;
  const oidc = await load({ kubeconfig: file(config("a", { user: provider })) });
  assert.equal(oidc.user.plugin?.name, "oidc");
  const both = await load({ kubeconfig: file(config("a", { user: `{token: t, ${exec}}` })) });
  assert.equal(both.user.plugin, null);
});

test("secrets do not show, however an access is printed", async () => {
  const key = Buffer.from("hush-hush").toString("base64");
  const cluster = `, proxy-url: "http://u:hush-hush@127.0.0.1:1"`;
  const user = `{token: hush-hush, client-certificate: c, client-key-data: ${key}}`;
  const access = await load({ kubeconfig: file(config("a", { cluster, user })) });
  const printed = `${inspect(access, { depth: 9 })}${JSON.stringify(access)}${access.user.token}`;
  assert.doesNotMatch(printed, /hush/);
  assert.equal(access.user.token?.reveal(), "hush-hush");
});

const WRONG: readonly (readonly [text: string, sentence: string])[] = [
  ["a: [1", "kubeconfig DIR/FILE:1:6: is not YAML: bad_indent"],
  ["- a", "kubeconfig DIR/FILE: it must be a mapping"],
  ["contexts: {}", "kubeconfig DIR/FILE: contexts must be a list"],
  ["contexts: [{context: {}}]", "kubeconfig DIR/FILE: contexts[0].name must be set"],
  ["users: [7]", "kubeconfig DIR/FILE: users[0] must be a mapping"],
  [
    "contexts: [{name: a}, {name: b}]",
    "kubeconfig DIR/FILE: current-context must be set, or --context given; there are: a, b",
  ],
  [
    "current-context: x\ncontexts: [{name: a}]",
    "kubeconfig DIR/FILE: current-context x: no such context; there are: a",
  ],
  [
    "current-context: a\ncontexts: [{name: a}]",
    "kubeconfig DIR/FILE: contexts[a].context must be set",
  ],
  [
    "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]",
    "kubeconfig DIR/FILE: contexts[a].context.cluster c: no such cluster; there are: none",
  ],
];
for (const [text, sentence] of WRONG) {
  test(`wrong kubeconfig: ${sentence}`, async () => {
    assert.equal(await fails(load({ kubeconfig: file(text) })), sentence);
  });
}

const WRONG_FIELDS: readonly (readonly [Parameters<typeof config>[1], RegExp])[] = [
  [
    { cluster: ", insecure-skip-tls-verify: yes-please" },
    /insecure-skip-tls-verify must be true or false/,
  ],
  [
    { cluster: ", insecure-skip-tls-verify: true, certificate-authority: x" },
    /clusters\[a\]\.cluster\.insecure-skip-tls-verify must not be set beside certificate-authority/,
  ],
  [{ cluster: ", certificate-authority-data: '%%%'" }, /certificate-authority-data must be base64/],
  [
    { cluster: ", proxy-url: 'ftp://x'" },
    /proxy-url must begin with http:\/\/, https:\/\/ or socks5:\/\//,
  ],
  [{ user: "{token: 7}" }, /users\[a\]\.user\.token must be a text/],
  [{ user: "{token: 'a b'}" }, /users\[a\]\.user\.token must be printable ASCII without spaces/],
  [
    { user: "{username: a, password: b}" },
    /username cannot be used: .* allowed are token, tokenFile/,
  ],
  [{ user: "{client-certificate: c}" }, /client-key or client-key-data must be set beside/],
  [{ user: "{client-key: c}" }, /client-certificate or its -data must be set beside client-key/],
  [{ user: "{as-groups: [x]}" }, /users\[a\]\.user\.as must be set when as-uid, as-groups/],
  [{ user: "{as: x, as-groups: x}" }, /as-groups must be a list of texts/],
  [{ user: "{exec: {}}" }, /users\[a\]\.user\.exec\.command must be set/],
  [{ user: "{exec: {command: x, interactiveMode: Always}}" }, /interactiveMode must not be Always/],
  [{ user: "{exec: {command: x}, auth-provider: {name: x}}" }, /must not be set beside exec/],
];
for (const [parts, sentence] of WRONG_FIELDS) {
  test(`wrong field: ${JSON.stringify(parts)}`, async () => {
    const message = await fails(load({ kubeconfig: file(config("a", parts)) }));
    assert.match(message, sentence);
    assert.match(message, /^kubeconfig DIR\/FILE: (clusters|users)\[a\]\./);
  });
}

for (const server of ["10.0.0.1:6443", "ftp://x", "https://u:p@x", "https://x?y=1", ""]) {
  test(`wrong server: ${JSON.stringify(server)}`, async () => {
    const text = config("a").replace("https://a.example:6443", server);
    const message = await fails(load({ kubeconfig: file(text) }));
    assert.match(message, /^kubeconfig DIR\/FILE: clusters\[a\]\.cluster\.server must /);
  });
}

test("an entry that nobody asks for may be broken", async () => {
  const text = `${config("a")}- name: broken\n  context: 7\n`;
  assert.equal((await load({ kubeconfig: file(text) })).description.endsWith("context a"), true);
});

test("options are named as their reader knows them", async () => {
  const api = (options: ApiAccessOptions, env: Env = {}) =>
    fails(loadApiAccess(options, { env, optionPrefix: "kubernetes." }));
  assert.match(await api({}), /; give kubernetes\.kubeconfig, or kubernetes\.objects for objects/);
  const none = join(directory, "none");
  assert.equal(await api({ kubeconfig: none }), "kubernetes.kubeconfig DIR/none: no such file");
  assert.match(
    await api({ kubeconfig: file(config("a")), context: "b" }),
    /kubernetes\.context b: no such context/,
  );
  assert.match(await api({ namespace: "A" }), /^kubernetes\.namespace A: at most 63/);
});

test("what is missing is named: the file, the context, everything", async () => {
  assert.equal(
    await fails(load({ kubeconfig: join(directory, "none") })),
    "--kubeconfig DIR/none: no such file",
  );
  assert.equal(
    await fails(load({ kubeconfig: file(config("a")), context: "b" })),
    "kubeconfig DIR/FILE: --context b: no such context; there are: a",
  );
  assert.equal(
    await fails(load({}, { HOME: join(directory, "nobody") })),
    "no Kubernetes API server is known: no DIR/nobody/.kube/config, and this is no pod with a " +
      "service account; give --kubeconfig, or --objects for objects from files",
  );
  assert.match(await fails(load({}, {})), /HOME and KUBECONFIG are not set/);
  const account = serviceAccount({ token: "t" });
  assert.equal(
    await fails(load({ context: "x" }, POD_ENV, account)),
    "--context x: there is no kubeconfig that names it",
  );
  assert.equal(
    await fails(load({ kubeconfig: directory })),
    "kubeconfig DIR: must be a regular file",
  );
  // A named pipe or /dev/zero would be read for ever; of a socket, too, it can be told before.
  const server = createServer().listen(join(directory, "socket"));
  await once(server, "listening");
  assert.equal(
    await fails(load({ kubeconfig: join(directory, "socket") })),
    "kubeconfig DIR/socket: must be a regular file",
  );
  server.close();
  const nothing = { ...POD_ENV, KUBECONFIG: "/dev/null" };
  assert.match((await load({}, nothing, account)).description, /as the pod's service account$/);
});

test("KUBECONFIG_BYTES_MAX bounds the file, aliases do not explode", async () => {
  const large = file("");
  truncateSync(large, KUBECONFIG_BYTES_MAX + 1);
  assert.match(await fails(load({ kubeconfig: large })), /larger than 4194304 bytes$/);
  const levels = Array.from({ length: 12 }, (_, i) =>
    i === 0 ? "a0: &a0 [x]" : `a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`)}]`,
  );
  assert.match(await fails(load({ kubeconfig: file(levels.join("\n")) })), /aliases/);
  const twice = file("users:\n- name: u\n  name: hush\n");
  assert.equal(
    await fails(load({ kubeconfig: twice })),
    "kubeconfig DIR/FILE:3:3: is not YAML: duplicate_key",
  );
});

test("a kubeconfig that is not YAML is told without its text, which may be a secret", async () => {
  const path = file("users:\n- name: u\n  user: {token: hush-hush: x: [}\n");
  assert.doesNotMatch(await fails(load({ kubeconfig: path })), /hush/);
});
