/**
 * Where the peers live: `.peers/` at the root of the repository, git-ignored, safe to delete.
 * `FAIRLEAD_PEERS_DIR` names another directory, to share one between checkouts.
 */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** `test/peers/` of this checkout: recipes, Go modules, Python and TypeScript programs. */
export const recipesDir = dirname(fileURLToPath(import.meta.url));

/** The root of this checkout. */
export const rootDir = join(recipesDir, "..", "..");

/** What `npm run peers` installs into. */
export const peersDir = resolve(process.env.FAIRLEAD_PEERS_DIR || join(rootDir, ".peers"));

/** Programs built from Go modules. */
export const binDir = join(peersDir, "bin");

/** A Python virtual environment with grpcio and the proxies that PyPI carries. */
export const venvDir = join(peersDir, "venv");

/** The jars of grpc-java's interop server. */
export const javaInteropDir = join(peersDir, "grpc-java-interop");

/** The definitions of the Gateway API's kinds, as YAML, with their licence. */
export const gatewayApiDir = join(peersDir, "gateway-api");

/** An npm project with other versions of Node in its node_modules. */
export const nodeVersionsDir = join(peersDir, "node-versions");
