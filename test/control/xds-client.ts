/**
 * A stock gRPC program of some language that balances itself by xDS, as a process: its calls as
 * they end. All these programs have the same flags and lines (test/peers/go/xds-client).
 */
import { globSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer, type SkippableTest } from "../peers/find.ts";
import { type RunningProcess, startProcess } from "../peers/processes.ts";
import type { Starter } from "./pods.ts";

/** One call that ended. */
export interface EndedCall {
  /** Wall clock. */
  readonly at: number;
  readonly ms: number;
  /** "ip:port" of the pod that answered; "" when none did. */
  readonly peer: string;
  readonly code: number;
  readonly message: string;
}

/** How a language's program is started. */
export interface Language {
  readonly name: string;
  /** Whether `pick_first` of a cluster is done; in grpc-js-xds an environment variable says. */
  readonly hasPickFirst: boolean;
  /** Program and first arguments; null: a peer is missing, and the test is skipped. */
  command(t: SkippableTest): readonly string[] | null;
}

/** Every language. */
export const LANGUAGES: readonly Language[] = [
  {
    name: "grpc-go",
    hasPickFirst: true,
    command: (t) => {
      const program = requirePeer(t, "xds-client");
      return program === null ? null : [program];
    },
  },
  {
    name: "C-core (Python)",
    hasPickFirst: true,
    command: (t) => {
      const python = requirePeer(t, "python-grpcio");
      const script = requirePeer(t, "xds-client.py");
      return python === null || script === null ? null : [python, script];
    },
  },
  {
    name: "grpc-java",
    hasPickFirst: true,
    command: (t) => {
      const java = requirePeer(t, "java");
      const jar = requirePeer(t, "grpc-java-interop-server");
      const source = requirePeer(t, "XdsClient.java");
      if (java === null || jar === null || source === null) return null;
      const path = globSync(join(dirname(jar), "*.jar")).join(":");
      return [java, "-XX:TieredStopAtLevel=1", "-cp", path, source];
    },
  },
  {
    name: "grpc-js-xds",
    hasPickFirst: false,
    command: (t) => {
      const script = requirePeer(t, "xds-client.ts");
      return script === null ? null : [process.execPath, script];
    },
  },
];

let count = 0;

/** See the head of this file. */
export class XdsClient {
  readonly process: RunningProcess;

  /** @param directory of a file that the program reads: its bootstrap. */
  constructor(
    command: readonly string[],
    directory: string,
    control: string,
    target: string,
    options: {
      readonly args?: readonly string[];
      readonly node?: object;
      readonly start?: Starter;
      /** `channel_creds` of the bootstrap; insecure unless given. */
      readonly creds?: object;
    } = {},
  ) {
    const bootstrap = join(directory, `.bootstrap-${(count += 1)}`);
    const server = {
      server_uri: control,
      channel_creds: [options.creds ?? { type: "insecure" }],
      server_features: ["xds_v3"],
    };
    // grpc-js-xds wants a locality, be it empty.
    const node = { id: "test", locality: {}, ...options.node };
    writeFileSync(bootstrap, JSON.stringify({ xds_servers: [server], node }));
    const [program, ...first] = command;
    const args = [...first, "-target", target, ...(options.args ?? [])];
    const start = options.start ?? startProcess;
    this.process = start(program!, args.map(longFlag(program!)), {
      env: { GRPC_XDS_BOOTSTRAP: bootstrap },
    });
  }

  /** All calls that have ended. */
  get calls(): readonly EndedCall[] {
    return this.process.stdout
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as EndedCall);
  }

  /** The next calls, once so many have ended from now on. */
  async next(count: number): Promise<readonly EndedCall[]> {
    const from = this.calls.length;
    await eventually(`${count} calls`, () => this.calls.length >= from + count);
    return this.calls.slice(from);
  }

  async ready(timeoutMs = 90_000): Promise<void> {
    await this.process.waitFor(/^ready$/m, timeoutMs);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

/** Node's flags have two dashes. */
function longFlag(program: string): (arg: string) => string {
  return (arg) => (program === process.execPath ? arg.replace(/^-(?=[a-z]+$)/, "--") : arg);
}

/** How many calls each peer answered. */
export function peersOf(calls: readonly EndedCall[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { peer, code } of calls) {
    if (code === 0) counts.set(peer, (counts.get(peer) ?? 0) + 1);
  }
  return counts;
}

/** Calls that failed, for messages. */
export function failuresOf(calls: readonly EndedCall[]): readonly EndedCall[] {
  return calls.filter(({ code }) => code !== 0);
}
