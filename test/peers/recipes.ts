/**
 * The recipes of `npm run peers`, in the order in which they run: what most needs goes first.
 *
 * Versions are pinned beside the recipes: `tools/go.mod`, `go/go.mod`, `requirements*.txt`.
 * Debian's packages have the version of the Debian release.
 */
import { existsSync, globSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { PEERS } from "./catalogue.ts";
import { binDir, recipesDir, venvDir } from "./paths.ts";
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
    pythonVenv("python", "requirements.txt", ["python-grpcio", "envoy"]),
    debian("chromium", ["chromium"], ["chromium"]),
  ];
}

/** What only the benchmarks need besides. */
export function benchRecipes(): readonly Recipe[] {
  return [pythonVenv("python-bench", "requirements-bench.txt", ["traefik", "caddy"])];
}

const NGHTTP2 = ["nghttp", "h2load", "nghttpd", "nghttpx"];
const OWN_GO = ["echo-server", "load-client", "storm-client"];

/** Whether all these peers stand where the catalogue looks for them. */
function arePresent(names: readonly string[]): boolean {
  return names.every((name) =>
    PEERS.find((peer) => peer.name === name)
      ?.candidates()
      .some(existsSync),
  );
}

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

const GO_MISSING =
  "Go 1.26 or newer is needed (https://go.dev/dl) to build the peers written in Go";

async function goBuild(
  dir: string,
  outputs: readonly (readonly [string, string])[],
): Promise<void> {
  await command("go", ["version"]).catch(() => Promise.reject(new Error(GO_MISSING)));
  mkdirSync(binDir, { recursive: true });
  for (const [name, main] of outputs) {
    const args = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false"];
    await command("go", [...args, "-o", join(binDir, name), main], {
      cwd: dir,
      env: { CGO_ENABLED: "0" },
    });
  }
}

function goTools(name: string, outputs: readonly (readonly [string, string])[]): Recipe {
  const dir = join(recipesDir, "tools");
  const peers = outputs.map(([output]) => output);
  return {
    name,
    makes: peers.join(", "),
    inputs: [join(dir, "go.mod"), join(dir, "go.sum")],
    pins: outputs.flat(),
    isPresent: () => arePresent(peers),
    run: () => goBuild(dir, outputs),
  };
}

function ownGoPrograms(): Recipe {
  const dir = join(recipesDir, "go");
  return {
    name: "own-go-programs",
    makes: OWN_GO.join(", "),
    inputs: [join(dir, "go.mod"), join(dir, "go.sum"), ...globSync(join(dir, "**/*.go")).sort()],
    pins: OWN_GO,
    isPresent: () => arePresent(OWN_GO),
    run: () =>
      goBuild(
        dir,
        OWN_GO.map((program) => [program, `./${program}`] as const),
      ),
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
