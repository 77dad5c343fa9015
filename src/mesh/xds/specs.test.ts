/** Tests of one configuration after the other: what stays the same object, and what does not. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bytesOf } from "../../../test/mesh/json-bytes.ts";
import { cluster, routes, routeTo } from "../../../test/mesh/resources.ts";
import { createAuthority, type IssuedPair } from "../../../test/support/certificates.ts";
import { loadXds, type XdsClient } from "../../discovery/index.ts";
import type { RouteTable } from "../../routes/index.ts";
import { Certificates } from "./certificates.ts";
import type { ChainResource, ListenerResource, TableSource } from "./listener.ts";
import { NamedWatches } from "./named-watches.ts";
import { ROUTES_KIND } from "./route-table.ts";
import { SECRET_KIND } from "./secret.ts";
import { ClusterSpecs, ListenerSpecs } from "./specs.ts";

const { bootstrapOf, clusterKind } = await loadXds();
const dir = mkdtempSync(join(tmpdir(), "fairlead-specs-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const [certificate_file, private_key_file, ca_certificate_file] = ["cert", "key", "ca"].map(
  (name) => join(dir, name),
) as [string, string, string];
const authority = await createAuthority("a test CA");
const [OLD, NEW] = [
  await authority.issue({ names: ["a.b"] }),
  await authority.issue({ names: ["a.b"] }),
];

function write({ cert, key }: IssuedPair): void {
  writeFileSync(certificate_file, cert);
  writeFileSync(private_key_file, key);
  writeFileSync(ca_certificate_file, authority.cert);
}

function certificates(): Certificates {
  const config = { certificate_file, private_key_file, ca_certificate_file };
  const own = { plugin_name: "file_watcher", config };
  const xds_servers = [{ server_uri: "127.0.0.1:1", channel_creds: [{ type: "insecure" }] }];
  const bootstrap = bootstrapOf({ xds_servers, certificate_providers: { own } }, "t");
  return new Certificates(bootstrap, new NamedWatches({} as XdsClient, SECRET_KIND, () => {}));
}

function listener(name: string, tls: ChainResource["tls"] = null): ListenerResource {
  const chain = { serverNames: ["a.b"], tls, routes: { kind: "rds", name } } as const;
  return { name, address: { host: "127.0.0.1", port: 1 }, chains: [chain], notes: [] };
}

const FILES: ChainResource["tls"] = {
  certificates: [{ kind: "provider", name: "own" }],
  ...{ ca: null, expectedName: null, notes: [], wantsClientCertificate: false },
};

test("of many listeners those are made anew whose tables or certificates are others", () => {
  const own = certificates();
  const specs = new ListenerSpecs(own);
  const tables = new Map<string, RouteTable>();
  let askedCount = 0;
  const tableOf = (source: TableSource): RouteTable | null => {
    askedCount += 1;
    return source.kind === "rds" ? (tables.get(source.name) ?? null) : source.table;
  };
  const problems: string[] = [];
  const names = Array.from({ length: 100 }, (_, i) => `l${i}`);
  for (const name of names) tables.set(name, { hosts: [] });
  const resources = names.map((name) => listener(name));
  resources.push(listener("none"), listener("tls", FILES));
  write(OLD);
  const all = () => {
    own.files.readAgain();
    return specs.all(resources, tableOf, problems);
  };
  let before = all();
  assert.equal(before.length, 102);
  const changed = (): string[] => {
    const now = all();
    const others = now.filter((spec, i) => spec !== before[i]).map(({ name }) => name);
    before = now;
    return others;
  };
  askedCount = 0;
  assert.deepEqual(changed(), []);
  assert.equal(askedCount, 102, "a table is looked at once for each chain");
  tables.set("l7", { hosts: [] });
  assert.deepEqual(changed(), ["l7"]);
  tables.set("none", { hosts: [] });
  assert.deepEqual(changed(), ["none"], "a table that was not there");
  write(NEW);
  assert.deepEqual(changed(), ["tls"]);
  assert.equal(before.at(-1)!.chains[0]!.tls!.certificates[0]!.cert, NEW.cert);
  // Told again with other bytes, such as another note: it says the same.
  resources[3] = { ...listener("l3"), notes: ["another"] };
  assert.deepEqual(changed(), []);
  resources[4] = { ...listener("l4"), address: { host: "127.0.0.1", port: 2 } };
  assert.deepEqual(changed(), ["l4"]);
  const { chains } = resources[5]!;
  resources[5] = { ...resources[5]!, chains: [{ ...chains[0]!, serverNames: ["c.d"] }] };
  assert.deepEqual(changed(), ["l5"]);
  assert.deepEqual(problems, []);
});

// It was only noted: what was to go by TLS alone was served in plaintext.
test("require_tls: a chain without TLS moves calls of such hosts to https, a channel does not", () => {
  write(OLD);
  const specs = new ListenerSpecs(certificates());
  const json = routes("r", [routeTo("c")]);
  const [all] = json.virtualHosts as readonly object[];
  const virtualHosts = [
    { ...all, requireTls: "ALL" },
    { name: "b", domains: ["b"], routes: [routeTo("c")] },
  ];
  const { value } = ROUTES_KIND.decode(bytesOf({ ...json, virtualHosts }));
  const resources = [listener("plain"), listener("tls", FILES)];
  resources.push({ ...listener("channel"), address: null });
  const look = () =>
    specs
      .all(resources, () => value, [])
      .map(({ chains }) => {
        const { hosts } = chains[0]!.table;
        return hosts.map(({ routes: own }) => {
          const { action } = own[0]!;
          return action.kind === "refuse" ? [action.httpStatus, action.isMovedToHttps] : "forward";
        });
      });
  const forwards = ["forward", "forward"];
  assert.deepEqual(look(), [[[301, true], "forward"], forwards, forwards]);
  const before = specs.all(resources, () => value, []);
  const after = specs.all(resources, () => value, []);
  assert.deepEqual(
    after.map((spec, i) => spec === before[i]),
    [true, true, true],
  );
});

const resolver = (target: string) => ({
  ...{ target, start: () => {}, resolveNow: () => {}, close: () => {} },
});

test("a cluster is another one when its certificates are, and not for its policy", () => {
  const made: string[] = [];
  const own = certificates();
  const specs = new ClusterSpecs("here", own, (target) => {
    made.push(target);
    return resolver(target);
  });
  const kind = clusterKind(() => null);
  const plain = (more: object = {}) => kind.decode(bytesOf(cluster("a", { ...more }))).value!;
  const withTls = { ...plain(), name: "b", tls: { ...FILES!, serverName: "x" } };
  write(OLD);
  const first = specs.all([plain(), withTls], []);
  const second = specs.all([plain({ lbPolicy: "RING_HASH" }), withTls], []);
  assert.deepEqual([...second.values()], [...first.values()]);
  for (const [name, spec] of second) assert.equal(spec, first.get(name));
  write(NEW);
  own.files.readAgain();
  const third = specs.all([plain(), withTls], []);
  assert.equal(third.get("a"), first.get("a"));
  assert.notEqual(third.get("b")!.key, first.get("b")!.key);
  third.get("b")!.newResolver();
  assert.deepEqual(made, ["b"]);
});

// One look at the wrong moment took listeners and clusters out of service until the next one.
test("files that are away or half-written leave the last good certificates in use", () => {
  const own = certificates();
  const listeners = new ListenerSpecs(own);
  const clusters = new ClusterSpecs("here", own, resolver);
  const table: TableSource = { kind: "inline", table: { hosts: [] } };
  const tls = { ...FILES!, ca: { kind: "provider", name: "own" }, serverName: "x" } as const;
  const [chain] = listener("l", { ...tls, wantsClientCertificate: true }).chains;
  const resource = { ...listener("l"), chains: [{ ...chain!, routes: table }] };
  const aCluster = { ...clusterKind(() => null).decode(bytesOf(cluster("c"))).value!, tls };
  const look = () => {
    const problems: string[] = [];
    own.files.readAgain();
    const [spec] = listeners.all([resource], () => table.table, problems);
    const made = clusters.all([aCluster], problems).get("c");
    return { spec, made, problems: [...problems, ...own.files.troubles] };
  };
  rmSync(certificate_file, { force: true });
  const none = look();
  assert.deepEqual([none.spec, none.made], [undefined, undefined]);
  assert.match(none.problems[0]!, /^certificate file \S+cert cannot be read: no such file$/);
  write(OLD);
  const good = look();
  assert.deepEqual(good.problems, []);
  const stays = (why: RegExp) => {
    const { spec, made, problems } = look();
    assert.equal(spec, good.spec);
    assert.equal(made, good.made);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, why);
    assert.match(problems[0]!, /; the last good one stays in use$/);
  };
  writeFileSync(certificate_file, NEW.cert);
  stays(/^key file \S+key does not belong to certificate file/);
  writeFileSync(certificate_file, NEW.cert.slice(0, 100));
  stays(/^certificate file \S+cert holds no PEM certificate/);
  rmSync(certificate_file);
  stays(/^certificate file \S+cert cannot be read: no such file/);
  write(OLD);
  writeFileSync(ca_certificate_file, "");
  stays(/^CA file \S+ca is empty/);
  write(NEW);
  const last = look();
  assert.deepEqual(last.problems, []);
  assert.equal(last.spec!.chains[0]!.tls!.certificates[0]!.cert, NEW.cert);
  assert.notEqual(last.made!.key, good.made!.key);
});

// With 2,000 clusters every change of any resource read the same three files 2,000 times.
test("files of a provider are read once for a configuration, however many name it", () => {
  write(OLD);
  const own = certificates();
  const source = { kind: "provider", name: "own" } as const;
  const [pair, ca] = [own.pairOf(source), own.caOf(source)];
  write(NEW);
  assert.deepEqual([own.pairOf(source), own.caOf(source)], [pair, ca]);
  own.files.readAgain();
  assert.equal(own.files.areUsed, false);
  assert.deepEqual(own.pairOf(source), NEW);
  assert.equal(own.files.areUsed, true);
});
