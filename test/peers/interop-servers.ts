/**
 * gRPC's interop servers in three languages, and which cases each can serve: the table says what a
 * server lacks, never what a client fails.
 */
import { dirname, join } from "node:path";
import { requirePeer, type SkippableTest } from "./find.ts";
import { freePort, type RunningProcess, startProcess, waitForPort } from "./processes.ts";
import { INTEROP_CASES } from "./storms.ts";

/** The languages that an interop server is there of. */
export type ServerLanguage = "go" | "java" | "python";

const SOAKS = ["rpc_soak", "channel_soak"];

/** The cases that each server can serve. */
export const SERVED_CASES: Readonly<Record<ServerLanguage, readonly string[]>> = {
  // grpc-go's is built without a compressor: it answers a compressed request with UNIMPLEMENTED.
  go: [...INTEROP_CASES, ...SOAKS],
  // grpc-java's compresses the answer of a unary call, but never one message of a stream.
  java: [
    ...INTEROP_CASES,
    ...["client_compressed_unary", "server_compressed_unary", "client_compressed_streaming"],
    ...SOAKS,
  ],
  python: [
    ...INTEROP_CASES,
    ...["client_compressed_unary", "server_compressed_unary"],
    ...["client_compressed_streaming", "server_compressed_streaming"],
    ...SOAKS,
  ],
};

/** All languages. */
export const SERVER_LANGUAGES: readonly ServerLanguage[] = ["go", "java", "python"];

/** An interop server that runs. */
export interface InteropServer {
  readonly process: RunningProcess;
  /** "127.0.0.1:PORT". */
  readonly address: string;
}

/** Starts one, which ends with the test. Null when something of it is missing. */
export async function startInteropServer(
  t: SkippableTest,
  language: ServerLanguage,
): Promise<InteropServer | null> {
  const port = await freePort();
  const command = serverCommand(t, language, port);
  if (command === null) return null;
  const [program, ...args] = command;
  const server = startProcess(program, args, { name: `interop server (${language})` });
  t.after?.(() => server.stop());
  await Promise.race([waitForPort(port), server.exited.then(() => failStart(server))]);
  return { process: server, address: `127.0.0.1:${port}` };
}

function failStart(server: RunningProcess): never {
  throw new Error(`${server.name} ended at its start: ${server.output}`);
}

function serverCommand(
  t: SkippableTest,
  language: ServerLanguage,
  port: number,
): readonly [string, ...string[]] | null {
  if (language === "go") {
    const path = requirePeer(t, "grpc-go-interop-server");
    return path === null ? null : [path, `-port=${port}`];
  }
  if (language === "python") {
    const python = requirePeer(t, "python-grpcio");
    const script = requirePeer(t, "interop-server.py");
    return python === null || script === null ? null : [python, script, "--port", `${port}`];
  }
  const java = requirePeer(t, "java");
  const jar = requirePeer(t, "grpc-java-interop-server");
  if (java === null || jar === null) return null;
  const main = ["-cp", join(dirname(jar), "*"), "io.grpc.testing.integration.TestServiceServer"];
  return [java, ...main, `--port=${port}`, "--use_tls=false", "--address_type=IPV4"];
}
