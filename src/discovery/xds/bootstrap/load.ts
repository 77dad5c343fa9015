/**
 * Where the bootstrap is: the file that GRPC_XDS_BOOTSTRAP names, or the text in
 * GRPC_XDS_BOOTSTRAP_CONFIG. gRFC A27.
 */
import { readFileSync } from "node:fs";
import { DiscoveryError } from "../../error.ts";
import { parseBootstrap, type XdsBootstrap } from "./bootstrap.ts";

/** The name of a bootstrap file. */
const BOOTSTRAP_FILE = "GRPC_XDS_BOOTSTRAP";
/** The bootstrap itself. */
const BOOTSTRAP_TEXT = "GRPC_XDS_BOOTSTRAP_CONFIG";

/**
 * The bootstrap that the environment names.
 *
 * @throws DiscoveryError when there is none, or it cannot be used.
 */
export function loadBootstrap(env: Readonly<Record<string, string | undefined>>): XdsBootstrap {
  const path = env[BOOTSTRAP_FILE];
  // GRPC_XDS_BOOTSTRAP takes precedence where both are set (A27).
  if (path !== undefined && path !== "") return parseBootstrap(readText(path), path);
  const text = env[BOOTSTRAP_TEXT];
  if (text !== undefined && text !== "") return parseBootstrap(text, BOOTSTRAP_TEXT);
  throw new DiscoveryError(
    `an xDS server is needed: set ${BOOTSTRAP_FILE} to a bootstrap file, or ${BOOTSTRAP_TEXT} ` +
      "to its text",
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DiscoveryError(`xDS bootstrap ${path} cannot be read: ${code ?? String(error)}`);
  }
}
