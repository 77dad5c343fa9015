/**
 * The peers by name: where each is looked for, and how it says its version.
 *
 * Only knowledge, nothing is run here; `find.ts` looks, `install.ts` installs.
 */
import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";
import {
  binDir,
  gatewayApiDir,
  javaInteropDir,
  nodeVersionsDir,
  peersDir,
  recipesDir,
  rootDir,
  venvDir,
} from "./paths.ts";

/** How a peer tells its version. */
export type VersionSource =
  /** Run it with `args`; `pattern`'s first group in its output is the version. */
  | { readonly kind: "command"; readonly args: readonly string[]; readonly pattern: RegExp }
  /** The version of a Go module required by a go.mod. */
  | { readonly kind: "goModule"; readonly goMod: string; readonly module: string }
  /** `pattern`'s first group in its path. */
  | { readonly kind: "path"; readonly pattern: RegExp }
  /** The version of an npm package: `candidates` are its package.json. */
  | { readonly kind: "package" }
  /** It is part of this repository. */
  | { readonly kind: "own" };

/** One third-party program (or one of ours written in another language). */
export interface Peer {
  readonly name: string;
  /** Absolute paths to try, best first. */
  readonly candidates: () => readonly string[];
  readonly version: VersionSource;
  /** The command that installs it. */
  readonly installedBy: string;
}

const TEST = "npm run peers";
const BENCH = "npm run peers -- bench";
const grpcGo = "google.golang.org/grpc";
/** The example server in Go. */
const GREETER = "examples/servers/go";

/** Debian keeps servers in sbin, which is not on everyone's PATH. */
function onPath(program: string): readonly string[] {
  const dirs = (process.env.PATH ?? "").split(delimiter);
  return [...dirs, "/usr/sbin", "/usr/local/sbin"].map((dir) => join(dir, program));
}

function system(name: string, args: readonly string[], pattern: RegExp): Peer {
  const version = { kind: "command", args, pattern } as const;
  return { name, candidates: () => onPath(name), version, installedBy: TEST };
}

/** A program of a module that the go.mod of `folder` pins. */
function goTool(name: string, module: string, folder = "tools"): Peer {
  const goMod = join(recipesDir, folder, "go.mod");
  const version = { kind: "goModule", goMod, module } as const;
  return { name, candidates: () => [join(binDir, name)], version, installedBy: TEST };
}

function ownGo(name: string): Peer {
  const goMod = join(recipesDir, "go", "go.mod");
  const version = { kind: "goModule", goMod, module: grpcGo } as const;
  return { name, candidates: () => [join(binDir, name)], version, installedBy: TEST };
}

/** npm packages installed together; the one named stands for all of them. */
function npmPackages(name: string, chief: string): Peer {
  const manifest = join(peersDir, name, "node_modules", chief, "package.json");
  return { name, candidates: () => [manifest], version: { kind: "package" }, installedBy: TEST };
}

function ownScript(name: string, path: string): Peer {
  const candidates = () => [join(rootDir, path)];
  return { name, candidates, version: { kind: "own" }, installedBy: "git checkout" };
}

function inVenv(name: string, paths: readonly string[], version: VersionSource, by: string): Peer {
  const candidates = () => paths.flatMap((path) => globSync(join(venvDir, path)));
  return { name, candidates, version, installedBy: by };
}

function otherNode(major: string): Peer {
  const folder = `node-${major}-${process.arch}`;
  const candidates = () => [join(nodeVersionsDir, "node_modules", folder, "bin", "node")];
  const version = { kind: "command", args: ["--version"], pattern: /v(\d\S*)/ } as const;
  return { name: `node-${major}`, candidates, version, installedBy: TEST };
}

const GRPCIO_VERSION = "import grpc; print('grpcio', grpc.__version__)";
const GRPCIO_TOOLS_VERSION =
  "import grpc_tools.protoc, importlib.metadata as m; print('tools', m.version('grpcio-tools'))";

/** Every known peer. */
export const PEERS: readonly Peer[] = [
  goTool("h2spec", "github.com/summerwind/h2spec"),
  goTool("h2specd", "github.com/summerwind/h2spec"),
  goTool("grpc-go-interop-client", grpcGo),
  goTool("grpc-go-interop-server", grpcGo),
  ownGo("echo-server"),
  ownGo("fairlead-lab-pod"),
  ownGo("health-server"),
  ownGo("load-client"),
  ownGo("storm-client"),
  ownGo("xds-client"),
  ownGo("xds-server"),
  {
    name: "greeter",
    candidates: () => [join(binDir, "greeter")],
    version: { kind: "goModule", goMod: join(rootDir, GREETER, "go.mod"), module: grpcGo },
    installedBy: TEST,
  },
  npmPackages("ecosystem", "@grpc/grpc-js"),
  goTool("etcd", "go.etcd.io/etcd/server/v3", "etcd"),
  goTool("kube-apiserver", "k8s.io/kubernetes", "kubernetes"),
  goTool("kube-controller-manager", "k8s.io/kubernetes", "kubernetes"),
  goTool("coredns", "github.com/coredns/coredns", "coredns"),
  {
    name: "gateway-api",
    // One of several files, which stands for all of them.
    candidates: () => [join(gatewayApiDir, "gateway.networking.k8s.io_grpcroutes.yaml")],
    version: {
      kind: "goModule",
      goMod: join(recipesDir, "gateway-api", "go.mod"),
      module: "sigs.k8s.io/gateway-api",
    },
    installedBy: TEST,
  },
  system("nghttp", ["--version"], /nghttp2\/(\S+)/),
  system("h2load", ["--version"], /nghttp2\/(\S+)/),
  system("nghttpd", ["--version"], /nghttp2\/(\S+)/),
  system("nghttpx", ["--version"], /nghttp2\/(\S+)/),
  system("haproxy", ["-v"], /version (\d\S*)/),
  system("nginx", ["-v"], /nginx\/(\S+)/),
  system("chromium", ["--version"], /Chromium (\S+)/),
  system("ip", ["-V"], /iproute2-(\S+),/),
  system("nft", ["--version"], /nftables v(\S+)/),
  system("iptables", ["--version"], /iptables v(\S+)/),
  system("java", ["-version"], /version "([^"]+)"/),
  system("javac", ["-version"], /javac (\S+)/),
  system("mvn", ["--version"], /Maven (\d\S*)/),
  {
    name: "grpc-java-interop-server",
    // A jar, whose neighbours are what it needs.
    candidates: () => globSync(join(javaInteropDir, "grpc-interop-testing-*.jar")),
    version: { kind: "path", pattern: /testing-(\S+)\.jar$/ },
    installedBy: TEST,
  },
  otherNode("22"),
  otherNode("26"),
  inVenv(
    "python-grpcio",
    ["bin/python"],
    { kind: "command", args: ["-c", GRPCIO_VERSION], pattern: /grpcio (\S+)/ },
    TEST,
  ),
  inVenv(
    "python-grpcio-tools",
    ["lib/python*/site-packages/grpc_tools/../../../../bin/python"],
    { kind: "command", args: ["-c", GRPCIO_TOOLS_VERSION], pattern: /tools (\S+)/ },
    TEST,
  ),
  inVenv(
    "envoy",
    // The binary itself: `bin/envoy` is a Python script that starts it.
    ["lib/python*/site-packages/envoy/_bin/envoy"],
    { kind: "command", args: ["--version"], pattern: /\/(\d+\.\d+\.\d+)\// },
    TEST,
  ),
  inVenv(
    "traefik",
    ["bin/traefik"],
    { kind: "command", args: ["version"], pattern: /Version:\s+(\S+)/ },
    BENCH,
  ),
  inVenv(
    "caddy",
    ["bin/caddy"],
    { kind: "command", args: ["version"], pattern: /v(\d\S*)/ },
    BENCH,
  ),
  ownScript("storm-client.py", "test/peers/python/storm_client.py"),
  ownScript("interop-client.py", "test/peers/python/interop_client.py"),
  ownScript("interop-server.py", "test/peers/python/interop_server.py"),
  ownScript("storm-client.ts", "test/peers/node/storm-client.ts"),
  ownScript("interop-client.ts", "test/peers/node/interop-client.ts"),
  ownScript("xds-client.py", "test/peers/python/xds_client.py"),
  ownScript("xds-client.ts", "test/peers/node/xds-client.ts"),
  ownScript("XdsClient.java", "test/peers/java/XdsClient.java"),
];

/** Whether all these peers stand where the catalogue looks for them. */
export function arePresent(names: readonly string[]): boolean {
  return names.every((name) =>
    PEERS.find((peer) => peer.name === name)
      ?.candidates()
      .some(existsSync),
  );
}
