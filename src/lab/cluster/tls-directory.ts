/**
 * The certificates of an API server that is started again and again: kept in a directory, so that
 * clients which trust its authority still do after a restart.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLabAuthority } from "./certificates.ts";

/** PEM texts as `startCluster` takes them. */
export interface ServerCertificates {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

const NAMES = ["127.0.0.1", "::1", "localhost", "kubernetes.default.svc"];

/** Reads them from the directory, or makes them there: also ca.pem, client.pem and client.key. */
export async function loadCertificates(
  directory: string,
  wallMs: number,
): Promise<ServerCertificates> {
  const path = (name: string): string => join(directory, name);
  if (!existsSync(path("server.key"))) {
    mkdirSync(directory, { recursive: true });
    const authority = await createLabAuthority(wallMs);
    const server = await authority.issueServer(NAMES);
    const client = await authority.issueClient("admin", ["system:masters"]);
    const write = (name: string, text: string): void => {
      writeFileSync(path(name), text, { mode: 0o600 });
    };
    write("ca.pem", authority.cert);
    write("client.pem", client.cert);
    write("client.key", client.key);
    write("server.pem", server.cert);
    write("server.key", server.key);
  }
  const read = (name: string): string => readFileSync(path(name), "utf8");
  return { cert: read("server.pem"), key: read("server.key"), clientCa: read("ca.pem") };
}
