/**
 * The recipes of `npm run peers`, in the order in which they run: what most needs goes first.
 *
 * Versions are pinned beside the recipes: the go.mod of each folder, `requirements*.txt`, the
 * package-lock.json of each folder of npm packages.
 * Debian's packages have the version of the Debian release.
 */

import { cpSync, existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { arePresent } from "./catalogue.ts";
import {
  gatewayApi,
  goModule,
  goTools,
  greeter,
  type Outputs,
  ownGoPrograms,
} from "./go-recipes.ts";
import { javaInterop, nodeVersions } from "./other-recipes.ts";
import { peersDir, recipesDir, venvDir } from "./paths.ts";
import { command, type Recipe } from "./recipe.ts";

/** What `npm test` needs. */
export function testRecipes(): readonly Recipe[] {
  return [
    debian("nghttp2", ["nghttp2-client", "nghttp2-server", "nghttp2-proxy"], NGHTTP2),
    debian("haproxy", ["haproxy"], ["haproxy"]),
    debian("nginx", ["nginx"], ["nginx"]),
    goTools("h2spec", [
      ["h2spec", "github.com/summerwind/h2spec/cmd/h2spec"],
      ["h2specd", "github.com/summerwind/h2spec/cmd/h2specd"],
    ]),
    goTools("grpc-go-interop", [
      ["grpc-go-interop-client", "google.golang.org/grpc/interop/client"],
      ["grpc-go-interop-server", "google.golang.org/grpc/interop/server"],
    ]),
    ownGoPrograms(),
    greeter(),
    npmPackages("ecosystem", ["ecosystem"]),
    pythonVenv("python", "requirements.txt", ["python-grpcio", "python-grpcio-tools", "envoy"]),
    debian("chromium", ["chromium"], ["chromium"]),
    debian("iproute2", ["iproute2"], ["ip"]),
    debian("netfilter", ["nftables", "iptables"], ["nft", "iptables"]),
    debian("java", ["default-jdk-headless", "maven"], ["java", "javac", "mvn"]),
    javaInterop(),
    nodeVersions(),
    goModule("etcd", [["etcd", "go.etcd.io/etcd/server/v3"]]),
    goModule("coredns", [["coredns", "github.com/coredns/coredns"]]),
    goModule("kubernetes", KUBERNETES, KUBERNETES_VERSION),
    gatewayApi(),
  ];
}

/** What only the benchmarks need besides. */
export function benchRecipes(): readonly Recipe[] {
  return [pythonVenv("python-bench", "requirements-bench.txt", ["traefik", "caddy"])];
}

const KUBERNETES: Outputs = [
  ["kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"],
  ["kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"],
];
/** What /version answers comes from the linker; without it the server calls itself v0.0.0. */
const KUBERNETES_VERSION = [
  "-X k8s.io/component-base/version.gitVersion=v1.36.4",
  "-X k8s.io/component-base/version.gitMajor=1",
  "-X k8s.io/component-base/version.gitMinor=36",
];
const NGHTTP2 = ["nghttp", "h2load", "nghttpd", "nghttpx"];

function debian(name: string, packages: readonly string[], peers: readonly string[]): Recipe {
  return {
    name: `debian-${name}`,
    makes: peers.join(", "),
    inputs: [],
    pins: packages,
    isPresent: () => arePresent(peers),
    run: async () => {
      if (!arePresent(peers)) await aptInstall(packages);
    },
  };
}

let isListUpdated = false;

async function aptInstall(packages: readonly string[]): Promise<void> {
  const line = `apt-get install ${packages.join(" ")}`;
  if (!existsSync("/usr/bin/apt-get")) {
    throw new Error(`this is no Debian: install what gives the programs of \`${line}\``);
  }
  if (process.getuid?.() !== 0) {
    throw new Error(`only root may install Debian packages: run \`sudo ${line}\` once`);
  }
  // RUNLEVEL=1 keeps the packages' own services from being started (invoke-rc.d(8)).
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  if (!isListUpdated) await command("apt-get", ["update", "-q"], { env });
  isListUpdated = true;
  await command("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...packages], {
    env,
  });
}

/** Packages that a folder here names and locks, installed beside a copy of both. */
function npmPackages(folder: string, peers: readonly string[]): Recipe {
  const inputs = ["package.json", "package-lock.json"].map((file) =>
    join(recipesDir, folder, file),
  );
  return {
    name: `npm-${folder}`,
    makes: peers.join(", "),
    inputs,
    pins: [],
    isPresent: () => arePresent(peers),
    run: async () => {
      const cwd = join(peersDir, folder);
      mkdirSync(cwd, { recursive: true });
      for (const input of inputs) cpSync(input, join(cwd, basename(input)));
      // No package of these needs its install script, and one would fetch a binary from elsewhere.
      const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
      await command("npm", ["ci", ...flags], { cwd });
    },
  };
}

function pythonVenv(name: string, file: string, peers: readonly string[]): Recipe {
  const requirements = join(recipesDir, file);
  return {
    name,
    makes: peers.join(", "),
    inputs: [requirements],
    pins: [],
    isPresent: () => arePresent(peers),
    run: async () => {
      await makeVenv();
      const args = [
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-r",
        requirements,
      ];
      await command(join(venvDir, "bin", "python"), args);
    },
  };
}

async function makeVenv(): Promise<void> {
  const python = join(venvDir, "bin", "python");
  // A venv left half made, or of a Python that is gone, is made anew.
  const isUsable = await command(python, ["-m", "pip", "--version"]).then(
    () => true,
    () => false,
  );
  if (isUsable) return;
  const make = () => command("python3", ["-m", "venv", "--clear", venvDir]);
  // Debian keeps venv in a package of its own.
  await make().catch(() => aptInstall(["python3", "python3-venv"]).then(make));
}
