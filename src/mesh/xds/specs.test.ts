/** Tests of one configuration after the other: what stays the same object, and what does not. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bytesOf } from "../../../test/mesh/json-bytes.ts";
import { cluster } from "../../../test/mesh/resources.ts";
import { loadXds, type XdsClient } from "../../discovery/index.ts";
import type { RouteTable } from "../../routes/index.ts";
import { Certificates } from "./certificates.ts";
import type { ChainResource, ListenerResource, TableSource } from "./listener.ts";
import { NamedWatches } from "./named-watches.ts";
import { SECRET_KIND } from "./secret.ts";
import { ClusterSpecs, ListenerSpecs } from "./specs.ts";

const { bootstrapOf, clusterKind } = await loadXds();
const dir = mkdtempSync(join(tmpdir(), "fairlead-specs-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const [certificate_file, private_key_file] = ["cert", "key"].map((name) => join(dir, name));

function certificates(): Certificates {
  const own = { plugin_name: "file_watcher", config: { certificate_file, private_key_file } };
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
  const specs = new ListenerSpecs(certificates());
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
  for (const path of [certificate_file, private_key_file]) writeFileSync(path!, "old");
  const all = () => specs.all(resources, tableOf, problems);
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
  writeFileSync(certificate_file!, "new");
  assert.deepEqual(changed(), ["tls"]);
  assert.equal(before.at(-1)!.chains[0]!.tls!.certificates[0]!.cert, "new");
  // Told again with other bytes, such as another note: it says the same.
  resources[3] = { ...listener("l3"), notes: ["another"] };
  assert.deepEqual(changed(), []);
  resources[4] = { ...listener("l4"), address: { host: "127.0.0.1", port: 2 } };
  assert.deepEqual(changed(), ["l4"]);
  const { chains } = resources[5]!;
  resources[5] = { ...resources[5]!, chains: [{ ...chains[0]!, serverNames: ["c.d"] }] };
  assert.deepEqual(changed(), ["l5"]);
  assert.deepEqual(problems, []);
  rmSync(certificate_file!);
  assert.equal(all().length, 101);
  assert.match(problems[0]!, /cannot be read: ENOENT/);
  writeFileSync(certificate_file!, "new");
  assert.equal(all().length, 102);
});

test("a cluster is another one when its certificates are, and not for its policy", () => {
  const made: string[] = [];
  const specs = new ClusterSpecs("here", certificates(), (target) => {
    made.push(target);
    return { target, start: () => {}, resolveNow: () => {}, close: () => {} };
  });
  const kind = clusterKind(() => null);
  const plain = (more: object = {}) => kind.decode(bytesOf(cluster("a", { ...more }))).value!;
  const secure = {
    certificates: FILES!.certificates,
    ca: null,
    serverName: "x",
    expectedName: null,
  };
  const withTls = { ...plain(), name: "b", tls: { ...secure, notes: [] } };
  for (const path of [certificate_file, private_key_file]) writeFileSync(path!, "old");
  const first = specs.all([plain(), withTls], []);
  const second = specs.all([plain({ lbPolicy: "RING_HASH" }), withTls], []);
  assert.deepEqual([...second.values()], [...first.values()]);
  for (const [name, spec] of second) assert.equal(spec, first.get(name));
  writeFileSync(private_key_file!, "new");
  const third = specs.all([plain(), withTls], []);
  assert.equal(third.get("a"), first.get("a"));
  assert.notEqual(third.get("b")!.key, first.get("b")!.key);
  third.get("b")!.newResolver();
  assert.deepEqual(made, ["b"]);
});
