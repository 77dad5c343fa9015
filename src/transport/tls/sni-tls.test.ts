/** Tests of certificates that are chosen by server name: real handshakes on loopback. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import {
  type ConnectionOptions,
  connect,
  createServer,
  type Server,
  type TLSSocket,
} from "node:tls";
import {
  type Authority,
  createAuthority,
  type IssuedPair,
} from "../../../test/support/certificates.ts";
import { ServerNames } from "./server-names.ts";
import { SniTls } from "./sni-tls.ts";

let authority: Authority;
let issued: Record<"a" | "any" | "client" | "rest", IssuedPair>;

before(async () => {
  authority = await createAuthority("sni");
  const issue = (names: string[]) => authority.issue({ names });
  issued = {
    a: await issue(["a.test"]),
    any: await issue(["*.b.test"]),
    client: await issue(["client"]),
    rest: await issue(["rest.test"]),
  };
});

let tls: SniTls;
let server: Server;
const refusals: (string | null)[] = [];

async function listen(asksClients: boolean): Promise<void> {
  tls = new SniTls(asksClients);
  server = createServer(tls.options(), (socket: TLSSocket) => {
    refusals.push(tls.refusalOf(socket));
    socket.on("error", () => {}).end();
  });
  tls.attach(server);
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

after(() => server.close());

/** The first name of the certificate that is shown; null: there was no handshake. */
function shown(servername: string, options: ConnectionOptions = {}): Promise<string | null> {
  const { port } = server.address() as AddressInfo;
  const own = { host: "127.0.0.1", port, servername, rejectUnauthorized: false };
  const socket = connect({ ...own, ALPNProtocols: ["h2"], ...options });
  return new Promise((resolve) => {
    socket.once("error", () => resolve(null));
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate().subject.CN as string);
      socket.on("error", () => {}).resume();
      socket.end();
    });
  });
}

const of = (serverNames: string[], pair: IssuedPair, clientCa: string | null = null) => ({
  ...{ serverNames, certificates: [pair], clientCa },
});

test("names: whole before suffix, the longest suffix, in any case, and the rest", () => {
  const names = new ServerNames<string>();
  names.add(["*.b.c"], "short");
  names.add(["a.b.c"], "whole");
  names.add(["*.x.b.c"], "long");
  assert.equal(names.find("nothing"), null);
  names.add([], "rest");
  const found = ["A.B.C", "z.b.c", "y.x.b.c", "b.c", "", ".b.c"].map((name) => names.find(name));
  assert.deepEqual(found, ["whole", "short", "long", "rest", "rest", "rest"]);
  assert.equal(names.find(null), "rest");
});

test("the name chooses the certificate; one that is not meant is not served", async () => {
  await listen(false);
  assert.deepEqual(tls.set([of(["a.test"], issued.a), of(["*.b.test"], issued.any)]), []);
  assert.equal(await shown("a.test"), "a.test");
  assert.equal(await shown("x.b.test"), "*.b.test");
  assert.equal(await shown("other.test"), null);
  assert.equal(await shown(""), null, "no name, and none for the rest");
  tls.set([of(["a.test"], issued.a), of([], issued.rest)]);
  assert.equal(await shown("other.test"), "rest.test");
  assert.equal(await shown(""), "rest.test");
  server.close();
});

test("what cannot be used leaves the last good one, and says nothing of the key", async () => {
  await listen(false);
  tls.set([of(["a.test"], issued.a)]);
  const wrong = { cert: issued.a.cert, key: issued.any.key };
  const [problem] = tls.set([of(["a.test"], wrong), of(["c.test"], { cert: "x", key: "y" })]);
  assert.match(problem, /^a\.test: key file tls\.key does not belong to certificate file/);
  assert.ok(!problem.includes("BEGIN"));
  assert.equal(await shown("a.test"), "a.test");
  assert.equal(await shown("c.test"), null);
  server.close();
});

test("certificates that are the same cost no server a new context", async () => {
  await listen(false);
  let count = 0;
  const real = server.setSecureContext.bind(server);
  server.setSecureContext = (options) => {
    count += 1;
    real(options);
  };
  tls.set([of([], issued.rest)]);
  assert.equal(count, 1);
  tls.set([of([], issued.rest)]);
  tls.set([of([], issued.rest), of(["a.test"], issued.a)]);
  assert.equal(count, 1, "the one without names is what it was");
  tls.set([of([], issued.a)]);
  assert.equal(count, 2);
  tls.set([]);
  assert.equal(count, 3);
  server.close();
});

test("clients must show a certificate where a name asks for one, and there alone", async () => {
  await listen(true);
  refusals.length = 0;
  tls.set([of(["a.test"], issued.a, authority.cert), of(["*.b.test"], issued.any)]);
  await shown("a.test");
  await shown("a.test", issued.client);
  await shown("x.b.test");
  const other = await (await createAuthority("other")).issue({ names: ["client"] });
  await shown("a.test", other);
  while (refusals.length < 4) await new Promise((resolve) => setImmediate(resolve));
  const [none, good, free, foreign] = refusals;
  assert.match(none ?? "", /showed no certificate/);
  assert.deepEqual([good, free], [null, null]);
  assert.match(foreign ?? "", /is not accepted/);
});
