/**
 * Where a lab finds what is beside its own code. In a checkout this file lies in `src/lab`, in a
 * built package in a bundle of `dist/cli`: as deep, so that the same paths hold in both.
 */
import { fileURLToPath } from "node:url";

const here = import.meta.url;
/** In a checkout all is TypeScript; in a package, bundles. */
const isCheckout = here.endsWith(".ts");

/** One of the lab's own child programs: "pod", "caller", "kubelet" and so on. */
export function programUrl(name: string): URL {
  return new URL(`./programs/${name}${isCheckout ? ".ts" : ".js"}`, here);
}

/** The `fairlead` command of this checkout or package. */
export function fairleadCommand(): readonly string[] {
  return [fileURLToPath(new URL("../../bin/fairlead", here))];
}

/** Where `npm run peers` installs; null in a package, which has nothing of the kind. */
export function peersDirectory(): string | null {
  if (process.env.FAIRLEAD_PEERS_DIR) return process.env.FAIRLEAD_PEERS_DIR;
  return isCheckout ? fileURLToPath(new URL("../../.peers", here)) : null;
}
