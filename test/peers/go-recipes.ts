/**
 * Recipes of peers that are built from Go modules: each folder here with a go.mod pins its own.
 *
 * Everything comes from the module proxy and is checked against the committed go.sum.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { arePresent } from "./catalogue.ts";
import { binDir, gatewayApiDir, recipesDir, rootDir } from "./paths.ts";
import { command, type Recipe } from "./recipe.ts";

/** Names of programs, and the package of each one's `main`. */
export type Outputs = readonly (readonly [name: string, main: string])[];

const OWN_GO = [
  ...["echo-server", "fairlead-lab-pod", "health-server", "load-client", "storm-client"],
  ...["xds-client", "xds-server"],
];

const GO_MISSING =
  "Go 1.26 or newer is needed (https://go.dev/dl) to build the peers written in Go";

/** Small third-party programs: they share the module `tools/`. */
export function goTools(name: string, outputs: Outputs): Recipe {
  return ofModule("tools", name, outputs, []);
}

/**
 * Programs too large to share a module with others, whose versions of common dependencies would
 * change theirs. `linkerFlags` as of `go tool link`; tables of symbols, a third of the size, are
 * left out anyway.
 */
export function goModule(
  name: string,
  outputs: Outputs,
  linkerFlags: readonly string[] = [],
): Recipe {
  return ofModule(name, name, outputs, [`-ldflags=${["-s", "-w", ...linkerFlags].join(" ")}`]);
}

/** Ours, `go/`. */
export function ownGoPrograms(): Recipe {
  const dir = join(recipesDir, "go");
  const outputs = OWN_GO.map((program) => [program, `./${program}`] as const);
  return {
    name: "own-go-programs",
    makes: OWN_GO.join(", "),
    inputs: [join(dir, "go.mod"), join(dir, "go.sum"), ...globSync(join(dir, "**/*.go")).sort()],
    pins: OWN_GO,
    isPresent: () => arePresent(OWN_GO),
    run: () => goBuild(dir, outputs, []),
  };
}

/** The example server in Go, from its own module. */
export function greeter(): Recipe {
  const dir = join(rootDir, "examples/servers/go");
  const outputs: Outputs = [["greeter", "."]];
  return {
    name: "greeter",
    makes: "greeter",
    inputs: [join(dir, "go.mod"), join(dir, "go.sum"), ...globSync(join(dir, "**/*.go")).sort()],
    pins: outputs.flat(),
    isPresent: () => arePresent(["greeter"]),
    run: () => goBuild(dir, outputs, []),
  };
}

const GATEWAY_API = "sigs.k8s.io/gateway-api";

/**
 * The definitions of the Gateway API's kinds (its standard channel), copied out of the module; they
 * are under the Apache License 2.0, of which a copy comes with them.
 */
export function gatewayApi(): Recipe {
  const dir = join(recipesDir, "gateway-api");
  const peers = ["gateway-api"];
  return {
    name: "gateway-api",
    makes: peers.join(", "),
    inputs: [join(dir, "go.mod"), join(dir, "go.sum")],
    pins: [],
    isPresent: () => arePresent(peers),
    run: async () => {
      await command("go", ["version"]).catch(() => Promise.reject(new Error(GO_MISSING)));
      await command("go", ["mod", "download", GATEWAY_API], { cwd: dir });
      const args = ["list", "-m", "-f", "{{.Dir}}", GATEWAY_API];
      const from = execFileSync("go", args, { cwd: dir, encoding: "utf8" }).trim();
      rmSync(gatewayApiDir, { recursive: true, force: true });
      mkdirSync(gatewayApiDir, { recursive: true });
      const files = globSync(join(from, "config/crd/standard/gateway.networking.k8s.io_*.yaml"));
      for (const file of [...files, join(from, "LICENSE")]) {
        copyFileSync(file, join(gatewayApiDir, basename(file)));
      }
    },
  };
}

function ofModule(
  folder: string,
  name: string,
  outputs: Outputs,
  flags: readonly string[],
): Recipe {
  const dir = join(recipesDir, folder);
  const peers = outputs.map(([output]) => output);
  return {
    name,
    makes: peers.join(", "),
    inputs: [join(dir, "go.mod"), join(dir, "go.sum")],
    pins: [...outputs.flat(), ...flags],
    isPresent: () => arePresent(peers),
    run: () => goBuild(dir, outputs, flags),
  };
}

async function goBuild(dir: string, outputs: Outputs, flags: readonly string[]): Promise<void> {
  await command("go", ["version"]).catch(() => Promise.reject(new Error(GO_MISSING)));
  mkdirSync(binDir, { recursive: true });
  for (const [name, main] of outputs) {
    const args = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", ...flags];
    await command("go", [...args, "-o", join(binDir, name), main], {
      cwd: dir,
      env: { CGO_ENABLED: "0" },
    });
  }
}
