/**
 * `fairlead proxy` when something outside is wrong at its start: one line, exit code 1, and nothing
 * half-started.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort, runProcess } from "../peers/processes.ts";
import { createAuthority } from "../support/certificates.ts";
import { FAIRLEAD, isRefused } from "./harness.ts";

let dir: string;
let taken: Server;
let takenPort: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "fairlead-start-"));
  const authority = await createAuthority("start");
  for (const name of ["a", "b"]) {
    const { cert, key } = await authority.issue({ names: [name] });
    writeFileSync(join(dir, `${name}.crt`), cert);
    writeFileSync(join(dir, `${name}.key`), key);
  }
  taken = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(taken, "listening");
  takenPort = String((taken.address() as AddressInfo).port);
});

after(() => {
  taken.close();
  rmSync(dir, { recursive: true });
});

async function refused(args: readonly string[], line: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, ["proxy", ...args]);
  const text = stderr.split("\n").filter((one) => !one.startsWith("{"));
  assert.equal(text.length, 2, stderr);
  assert.match(text[0], /^fairlead: /);
  assert.match(text[0], line);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.ok(!stderr.includes('"listening"'), stderr);
}

for (const workers of ["1", "2"]) {
  const common = ["--to", "127.0.0.1:50051", "--workers", workers];

  test(`with ${workers} workers a port in use is told, and no other is bound`, async () => {
    const free = await freePort();
    const listen = ["--listen", `127.0.0.1:${free}`, "--listen", `127.0.0.1:${takenPort}`];
    const line = new RegExp(`cannot listen on 127\\.0\\.0\\.1:${takenPort}: the address is in use`);
    await refused([...common, ...listen], line);
    assert.ok(await isRefused(free));
  });

  test(`with ${workers} workers an admin port in use is told, nothing is bound`, async () => {
    const free = await freePort();
    const args = ["--listen", `127.0.0.1:${free}`, "--admin", takenPort];
    await refused([...common, ...args], /--admin: cannot listen on .*: the address is in use/);
    assert.ok(await isRefused(free));
  });
}

test("a directory that is not there is told for what it is", async () => {
  for (const workers of ["1", "2"]) {
    const args = ["--listen", `unix:${dir}/no/s`, "--to", "127.0.0.1:50051", "--workers", workers];
    await refused(args, /cannot listen on unix:\S+\/no\/s: the directory does not exist/);
  }
});

const TLS = ["--listen", "127.0.0.1:0", "--to", "127.0.0.1:50051"];

test("an unreadable certificate is told with its flag and its file", async () => {
  const missing = ["--tls-cert", join(dir, "no.crt"), "--tls-key", join(dir, "a.key")];
  await refused(
    [...TLS, ...missing],
    /--tls-cert: certificate file \S+no\.crt cannot be read: no s/,
  );
});

test("a service config that cannot be read is told with its flag and its file", async () => {
  const file = join(dir, "no.json");
  await refused([...TLS, "--service-config", `@${file}`], /--service-config @\S+no\.json: cannot/);
});

test("before anything is installed the command says what to run", async () => {
  const root = join(dir, "clone");
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "src", "cli"), { recursive: true });
  copyFileSync(FAIRLEAD, join(root, "bin", "fairlead"));
  const { code, stdout, stderr } = await runProcess(join(root, "bin", "fairlead"), ["--version"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^fairlead: nothing is installed in \S+ yet: run npm ci \(or npm start\)/);
  assert.equal(stderr.trimEnd().split("\n").length, 1);
});

test("with workers it is told once, by the primary", async () => {
  const missing = ["--tls-cert", join(dir, "no.crt"), "--tls-key", join(dir, "a.key")];
  await refused([...TLS, ...missing, "--workers", "2"], /--tls-cert: certificate file \S+no\.crt/);
});

test("a key that belongs to another certificate is told", async () => {
  const mixed = ["--tls-cert", join(dir, "a.crt"), "--tls-key", join(dir, "b.key")];
  await refused([...TLS, ...mixed], /--tls-key: key file \S+b\.key does not belong to certificate/);
});

test("a CA that is none is told, for both sides", async () => {
  const pair = ["--tls-cert", join(dir, "a.crt"), "--tls-key", join(dir, "a.key")];
  const ca = join(dir, "a.key");
  await refused(
    [...TLS, ...pair, "--tls-client-ca", ca],
    /--tls-client-ca: CA file \S+ holds no PEM/,
  );
  await refused([...TLS, "--to-tls", "--to-ca", ca], /--to-ca: CA file \S+ holds no PEM/);
});

test("a file among replicas is told by its own flag, whichever side it is for", async () => {
  const peers = ["--peers", "127.0.0.1:1", "--peer-listen", "127.0.0.1:0"];
  const with3 = (cert: string, key: string, ca: string): string[] => [
    ...[...TLS, ...peers, "--peer-tls-cert", join(dir, cert)],
    ...["--peer-tls-key", join(dir, key), "--peer-tls-ca", join(dir, ca)],
  ];
  await refused(with3("no.crt", "a.key", "a.crt"), /--peer-tls-cert: certificate file \S+no\.crt/);
  await refused(with3("a.crt", "b.key", "a.crt"), /--peer-tls-key: key file \S+b\.key does not/);
  const noCa = with3("a.crt", "a.key", "a.key");
  await refused(noCa, /--peer-tls-ca: CA file \S+ holds no PEM/);
  await refused([...noCa, "--workers", "2"], /--peer-tls-ca: CA file \S+ holds no PEM/);
});

test("an address that this machine does not have is told", async () => {
  const args = ["--listen", "192.0.2.1:8080", "--to", "127.0.0.1:50051"];
  await refused(args, /cannot listen on 192\.0\.2\.1:8080: this machine does not have the address/);
});
