/**
 * `npm run protos`: makes `src/xds/generated/` anew from the sources of the messages, which come in
 * npm packages of pinned versions; what is made is the same each time.
 *
 * Everything is installed into .cache/protos, which git does not know. Which messages are made is
 * in scripts/protos/buf.gen.yaml.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const work = join(root, ".cache", "protos");
const generated = join(root, "src", "xds", "generated");

/** Where the sources and the generator come from. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@bufbuild/buf": "1.75.0",
  "@bufbuild/protoc-gen-es": "2.13.0",
  "@grpc/grpc-js": "1.14.5",
  "@grpc/grpc-js-xds": "1.14.1",
};

const DEPS = "node_modules/@grpc/grpc-js-xds/deps";
/** Roots of imports. */
const SOURCES = [
  `${DEPS}/envoy-api`,
  `${DEPS}/xds`,
  `${DEPS}/googleapis`,
  `${DEPS}/protoc-gen-validate`,
  "node_modules/@grpc/grpc-js/proto",
];

/** Files of the messages that are spoken; what they import comes with them. */
const WANTED = `
  channelz.proto
  envoy/admin/v3/clusters.proto
  envoy/admin/v3/config_dump.proto
  envoy/admin/v3/listeners.proto
  envoy/config/cluster/v3/cluster.proto
  envoy/config/endpoint/v3/endpoint.proto
  envoy/config/listener/v3/listener.proto
  envoy/config/route/v3/route.proto
  envoy/extensions/clusters/aggregate/v3/cluster.proto
  envoy/extensions/filters/http/health_check/v3/health_check.proto
  envoy/extensions/filters/http/router/v3/router.proto
  envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto
  envoy/extensions/filters/listener/original_dst/v3/original_dst.proto
  envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto
  envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto
  envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto
  envoy/extensions/load_balancing_policies/LB/v3/LB.proto
  envoy/extensions/transport_sockets/tls/v3/secret.proto
  envoy/extensions/transport_sockets/tls/v3/tls.proto
  envoy/extensions/upstreams/http/v3/http_protocol_options.proto
  envoy/service/discovery/v3/ads.proto
  envoy/service/status/v3/csds.proto
  google/rpc/status.proto
  udpa/type/v1/typed_struct.proto
  xds/type/v3/typed_struct.proto
`
  .trim()
  .split(/\s+/)
  .flatMap((file) => (file.includes("LB") ? policyFiles(file) : [file]));

function policyFiles(pattern: string): string[] {
  const names =
    "round_robin random pick_first least_request ring_hash maglev wrr_locality " +
    "client_side_weighted_round_robin";
  return names.split(" ").map((name) => pattern.replaceAll("LB", name));
}

/**
 * A field that the sources use in an option and that their copy of validate.proto lacks: without
 * it nothing compiles. It is in no message that is made.
 */
const MISSING_FIELD = "optional bool ignore_empty = 26;";

/** Copies a file and all that it imports. */
function copyWithImports(): void {
  const seen = new Set<string>();
  const queue = [...WANTED];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    // The library has those of Google's well-known types.
    if (seen.has(file) || file.startsWith("google/protobuf/")) continue;
    seen.add(file);
    const source = SOURCES.map((from) => join(work, from, file)).find((path) => existsSync(path));
    if (source === undefined) throw new Error(`${file} is in none of the packages`);
    const text = patched(file, readFileSync(source, "utf8"));
    const target = join(work, "protos", file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    for (const match of text.matchAll(/^import (?:public )?"([^"]+)"/gm)) queue.push(match[1]!);
  }
}

function patched(file: string, text: string): string {
  if (file !== "validate/validate.proto" || text.includes("ignore_empty = 26")) return text;
  const head = "message StringRules {";
  if (!text.includes(head)) throw new Error(`${file} is not as it was`);
  return text.replace(head, `${head}\n  ${MISSING_FIELD}`);
}

function main(): void {
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "package.json"), JSON.stringify({ dependencies: PACKAGES }));
  const npm = ["install", "--no-audit", "--no-fund", "--no-package-lock"];
  execFileSync("npm", npm, { cwd: work, stdio: "inherit" });
  for (const name of ["protos", "gen"]) rmSync(join(work, name), { recursive: true, force: true });
  copyWithImports();
  for (const name of ["buf.yaml", "buf.gen.yaml"]) {
    cpSync(join(root, "scripts", "protos", name), join(work, name));
  }
  const buf = join(work, "node_modules", ".bin", "buf");
  execFileSync(buf, ["generate"], { cwd: work, stdio: "inherit" });
  const notice = readFileSync(join(generated, "NOTICE"));
  rmSync(generated, { recursive: true });
  cpSync(join(work, "gen"), generated, { recursive: true });
  writeFileSync(join(generated, "NOTICE"), notice);
  console.log("src/xds/generated is made anew");
}

main();
