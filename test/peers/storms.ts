/**
 * Storms and interop runs for tests: starts the clients of each language, and the servers they
 * need.
 *
 * The clients speak one protocol and take the same flags; what differs is only how they are
 * started.
 */
import { requirePeer, type SkippableTest } from "./find.ts";
import { type RunningProcess, runProcess, startProcess } from "./processes.ts";

/** The languages that have a storm client and an interop client. */
export type Language = "go" | "node" | "python";

/** All of them. */
export const LANGUAGES: readonly Language[] = ["go", "node", "python"];

/** What a storm is told; absent ones are the client's own defaults. */
export interface StormOptions {
  /** "HOST:PORT". */
  readonly target: string;
  readonly calls: number;
  readonly concurrency?: number;
  readonly connections?: number;
  /** Two storms at the same time need different seeds below 2^21: call ids are made from them. */
  readonly seed?: number;
  /** Largest body of a message, at most 4 MiB. */
  readonly sizeMax?: number;
  /** A call that takes longer counts as hung. */
  readonly boundSeconds?: number;
  /** UNAVAILABLE is counted, but is no failure: servers are restarted meanwhile. */
  readonly isUnavailableAllowed?: boolean;
  /** A file with the CA of the server: the storm goes over TLS. Plaintext without it. */
  readonly caFile?: string;
  /** What runs the client, such as `ip netns exec NAME`; its own words come behind. */
  readonly runner?: readonly string[];
}

/** What a storm client prints. Every call is counted under exactly one outcome. */
export interface StormSummary {
  readonly client: string;
  readonly seed: number;
  readonly calls: number;
  readonly ok: number;
  readonly cancelled: number;
  readonly deadline: number;
  readonly earlyEnd: number;
  readonly unavailable: number;
  readonly lost: number;
  readonly crossed: number;
  readonly hung: number;
  readonly unexpected: number;
  readonly messages: number;
  readonly bytes: number;
  readonly seconds: number;
  /** No more calls were started because too many hung. */
  readonly isCutShort: boolean;
  /** Calls by kind, and by the name of the server that answered. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly servers: Readonly<Record<string, number>>;
  /** The first calls of each outcome that may not be. */
  readonly problems: readonly {
    readonly call: number;
    readonly index: number;
    readonly kind: string;
    readonly outcome: string;
    readonly detail: string;
  }[];
}

/**
 * Runs a storm to its end. Null when the client is missing (the test is then skipped, or fails).
 * `isGood` is the client's own verdict: nothing lost, crossed, hung or unexpected.
 */
export async function runStorm(
  t: SkippableTest,
  language: Language,
  options: StormOptions,
  timeoutMs = 900_000,
): Promise<{ readonly isGood: boolean; readonly summary: StormSummary } | null> {
  const command = clientCommand(t, language, "storm-client");
  if (command === null) return null;
  const flags: readonly (readonly [string, number | string | undefined])[] = [
    ["--calls", options.calls],
    ["--concurrency", options.concurrency],
    ["--connections", options.connections],
    ["--seed", options.seed],
    ["--max-size", options.sizeMax],
    ["--bound-seconds", options.boundSeconds],
    ["--tls-ca", options.caFile],
  ];
  const [program, ...words] = [...(options.runner ?? []), ...command];
  const run = await runProcess(
    program!,
    [
      ...words,
      ...["--target", options.target],
      ...flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)])),
      ...(options.isUnavailableAllowed ? ["--allow-unavailable"] : []),
    ],
    { name: `storm client (${language})`, timeoutMs },
  );
  const last = run.stdout.trim().split("\n").at(-1);
  if (!last?.startsWith("{")) {
    throw new Error(`the storm client (${language}) ended with ${run.code}: ${run.stderr}`);
  }
  return { isGood: run.code === 0, summary: JSON.parse(last) as StormSummary };
}

/** The interop cases that every client here has (all take no special server). */
export const INTEROP_CASES: readonly string[] = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "custom_metadata",
  "status_code_and_message",
  "special_status_message",
  "unimplemented_method",
  "unimplemented_service",
  "cancel_after_begin",
  "cancel_after_first_response",
  "timeout_on_sleeping_server",
];

/**
 * Runs interop cases one after the other against `target` ("127.0.0.1:PORT"); what went wrong by
 * case, empty when all passed. Null when the client is missing. `channel` is one of the Node
 * client's.
 */
export async function runInterop(
  t: SkippableTest,
  language: Language,
  target: string,
  cases: readonly string[] = INTEROP_CASES,
  channel: string | null = null,
): Promise<Readonly<Record<string, string>> | null> {
  if (language === "go") return runGoInterop(t, target, cases);
  const command = clientCommand(t, language, "interop-client");
  if (command === null) return null;
  const args = [...command.slice(1), "--target", target, "--case", cases.join(",")];
  if (channel !== null) args.push("--channel", channel);
  const run = await runProcess(command[0], args, { name: `interop client (${language})` });
  const lines = run.stdout.split("\n");
  const failures: Record<string, string> = {};
  for (const name of cases) {
    const line = lines.find((each) => /^(?:ok|FAILED) (\w+)/.exec(each)?.[1] === name);
    if (line !== `ok ${name}`) failures[name] = line ?? `no line for it: ${run.stderr}`;
  }
  return failures;
}

/** grpc-go's own client takes one case at a time and says what failed in its last line. */
async function runGoInterop(t: SkippableTest, target: string, cases: readonly string[]) {
  const path = requirePeer(t, "grpc-go-interop-client");
  if (path === null) return null;
  const [host, port] = target.split(":");
  const failures: Record<string, string> = {};
  for (const name of cases) {
    const failure = await runGoCase(path, name, [`-server_host=${host}`, `-server_port=${port}`]);
    if (failure !== null) failures[name] = failure;
  }
  return failures;
}

/**
 * Its `cancel_after_begin` cancels in one goroutine and ends the request in another: when the
 * second is first, the server has answered before the call is cancelled. Nobody in between can help
 * that, and it is seen without anybody in between; what fails each time is a failure.
 */
const RACY_CASE = "cancel_after_begin";
const RACY_FAILURE = /CloseAndRecv\(\) got error code 0, want 1/;
const RACY_TRIES = 4;

/** One case of grpc-go's own client; null when it passed, or its last line. */
export async function runGoCase(
  path: string,
  name: string,
  flags: readonly string[],
): Promise<string | null> {
  for (let tries = 1; ; tries += 1) {
    const args = [...flags, `-test_case=${name}`];
    const run = await runProcess(path, args, { name: `interop client (go) ${name}` });
    if (run.code === 0) return null;
    const failure = run.stderr.trim().split("\n").at(-1) ?? `exit ${run.code}`;
    const isRace = name === RACY_CASE && RACY_FAILURE.test(failure);
    if (!isRace || tries === RACY_TRIES) return failure;
  }
}

/** An echo server (`go/echo-server`) that runs. */
export interface EchoServer {
  readonly process: RunningProcess;
  /** "IP:PORT", as given or as picked. */
  readonly addresses: readonly string[];
}

/**
 * Starts an echo server, which ends with the test. `args` are its other flags, such as
 * `-name echo-1` or `-fault drop`. Null when it is missing.
 */
export async function startEchoServer(
  t: SkippableTest,
  addresses: readonly string[] = ["127.0.0.1:0"],
  args: readonly string[] = [],
): Promise<EchoServer | null> {
  const path = requirePeer(t, "echo-server");
  if (path === null) return null;
  const all = ["-listen", addresses.join(","), ...args];
  const process = startProcess(path, all, { name: "echo-server" });
  t.after?.(() => process.stop());
  const [, list] = await process.waitFor(/^ready (\S+)$/m);
  return { process, addresses: (list as string).split(",") };
}

/** The command that starts a client; null when something of it is missing. */
function clientCommand(
  t: SkippableTest,
  language: Language,
  client: "storm-client" | "interop-client",
): readonly [string, ...string[]] | null {
  if (language === "go") {
    const path = requirePeer(t, client);
    return path === null ? null : [path];
  }
  if (language === "node") {
    const script = requirePeer(t, `${client}.ts`);
    const flags = ["--disable-warning=ExperimentalWarning"];
    return script === null ? null : [process.execPath, ...flags, script];
  }
  const python = requirePeer(t, "python-grpcio");
  const script = requirePeer(t, `${client}.py`);
  return python === null || script === null ? null : [python, script];
}
