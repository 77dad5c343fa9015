/**
 * `fairlead proxy-status`: its flags and help. What it does is in `proxy-status-run.ts`, loaded
 * when it runs.
 */
import type { Command } from "commander";
import type { TcpAddress } from "../proxy/index.ts";
import { parseAdmin } from "./proxy-options.ts";
import { addToTlsOptions, type ToTlsOptions, toTlsValues, upstreamTls } from "./tls-options.ts";
import { badValue, oneOf, secondsAsMs, UsageError, valueOption } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# which nodes a control plane has, and whether each has acknowledged what it was told",
  "fairlead proxy-status --admin 127.0.0.1:9901",
  "# every change as it comes, a JSON document a line",
  "fairlead ps -w -o json",
  "# any control plane, or a single gRPC client, that serves CSDS",
  "fairlead ps --xds 127.0.0.1:18000",
];

/** As commander yields them. */
export interface ProxyStatusOptions extends CommonOptions, ToTlsOptions {
  readonly admin?: TcpAddress;
  readonly xds?: string;
  readonly watch?: boolean;
  /** In milliseconds. */
  readonly staleAfter: number;
  readonly output: "table" | "wide" | "json";
}

const AFTER = `
SYNCED: acknowledged. STALE: sent or due, not acknowledged yet. NOT SENT: asked for, nothing was
said so far. NACKED: the node refused it and goes on with what it had. Below the table: why, and
what was asked of a node that its kind cannot do.
ACK LAG: from the last push to its acknowledgement. By --xds, which may be another control plane's,
there are no lags, ages and problems: CSDS has no words for them.
Exit code: 0; 1 when anything is NACKED, or has been STALE for --stale-after; 2 for a mistake in the
flags.`;

/** The command of the verb. */
export function proxyStatusCommand(): Command {
  const summary = "Show the nodes of a control plane, and what each has acknowledged";
  const forms = oneOf(["table", "wide", "json"] as const);
  const output = valueOption("-o, --output <form>", "table, wide or json", forms);
  const stale = "how many seconds something may be STALE";
  const command = newVerb("proxy-status", summary, EXAMPLES)
    .alias("ps")
    .addOption(
      valueOption("--admin <address>", "the control plane's admin (127.0.0.1:9901)", parseAdmin),
    )
    .addOption(valueOption("--xds <address>", "ask its xDS port by CSDS instead", parseXds))
    .option("-w, --watch", "print each change until Ctrl-C")
    .addOption(
      valueOption("--stale-after <s>", stale, secondsAsMs({ min: 0, max: 3_600_000 })).default(
        5000,
        "5",
      ),
    )
    .addOption(output.default("table", "table"))
    .addHelpText("after", AFTER);
  addToTlsOptions(command);
  return addCommonOptions(command, "warn").action(async (options: ProxyStatusOptions) => {
    checkTogether(options);
    const [{ endProcess }, { runProxyStatus }] = await Promise.all([
      import("./system.ts"),
      import("./proxy-status-run.ts"),
    ]);
    endProcess(await runProxyStatus(options));
  });
}

/** @throws UsageError for flags that would go unheard. */
function checkTogether(options: ProxyStatusOptions): void {
  const { admin, xds } = options;
  if (admin !== undefined && xds !== undefined) {
    throw new UsageError("--admin and --xds exclude each other: one of them is asked");
  }
  if (xds !== undefined) {
    upstreamTls(xds, options);
    return;
  }
  const tls: [string, unknown][] = [["--to-tls", options.toTls], ...toTlsValues(options)];
  const [first] = tls.filter(([, value]) => value !== undefined);
  if (first !== undefined) throw new UsageError(`${first[0]} needs --xds: the admin has no TLS`);
}

function parseXds(flag: string, text: string): string {
  if (/^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/.test(text)) return text;
  throw badValue(flag, text, "HOST:PORT or [IPV6]:PORT");
}
