/**
 * `fairlead` and what a user gets wrong: one line that names the flag, the value and what is
 * allowed, exit code 2, nothing on stdout, nothing started.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { runProcess } from "../peers/processes.ts";
import { FAIRLEAD } from "./harness.ts";

const GOOD = ["proxy", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:50051"];

const MISTAKES: [args: string[], line: RegExp][] = [
  [["bogus"], /unknown command 'bogus'/],
  [["--bogus"], /unknown option '--bogus'.*fairlead --help/],
  [["proxy", "--lisen", "127.0.0.1:0"], /unknown option '--lisen' \(Did you mean --listen\?\)/],
  [["proxy", "--to", "127.0.0.1:1"], /--listen is missing/],
  [["proxy", "--listen", "127.0.0.1:0"], /--to is missing/],
  [["proxy"], /--listen and --to are missing.* --help of fairlead proxy/],
  [["proxy", "--listen", ":8090"], /unix:PATH; 0\.0\.0\.0:8090 for all addresses$/m],
  [["proxy", "--listen", "8090", "--to", "a:1"], /"8090": .*; 0\.0\.0\.0:8090 for all addresses$/m],
  [["proxy", "--to", "--admin", "9971"], /--to: its value is missing before --admin/],
  [["proxy", "--listen", "--to", "a:1"], /--listen: its value is missing before --to/],
  [[...GOOD, "--tls-cert", "--tls-key", "k"], /--tls-cert: its value is missing before --tls-key/],
  [["proxy", "--to", "a:1,", "b:2"], /--to "a:1,": nothing behind the comma: a list has no spaces/],
  [["why", "xds:///a:1", "--to-tls"], /--to-tls and target "xds:\/\/\/a:1" exclude each other/],
  [["why", "xds:///a:1", "--to-ca", "f"], /--to-ca and target "xds:\/\/\/a:1" exclude each other/],
  [["endpoints", "xds://authority/a:1"], /target "xds:\/\/authority\/a:1": /],
  [[...GOOD, "--peers", "xds:///a"], /--peers "xds:\/\/\/a": xds targets have routes/],
  [["proxy", "--to"], /option '--to <target>' argument missing/],
  [["proxy", "--listen", "8080"], /--listen "8080": must be HOST:PORT, \[IPV6\]:PORT or unix:PATH/],
  [["proxy", "--listen", "127.0.0.1:99999"], /--listen "127\.0\.0\.1:99999": must be/],
  [["proxy", "--listen", `unix:/${"x".repeat(200)}`], /: must be .*a path of at most \d+ bytes/],
  [[...GOOD, "--to", "10.0.0.1:1"], /--to is given twice: it takes one value/],
  [[...GOOD, "--policy", "random", "--policy", "random"], /--policy is given twice/],
  [[...GOOD, "--tls-cert", "a", "--tls-cert", "b"], /--tls-cert is given twice/],
  [["why", "127.0.0.1:1", "-o", "json", "--output", "table"], /--output is given twice/],
  [["proxy", "--to", "orders"], /--to: target "orders": the port is missing/],
  [["proxy", "--to", "zk:///a:1"], /--to: target "zk:\/\/\/a:1": unknown scheme "zk": allowed are/],
  [["proxy", "--to", "10.0.0.1:0"], /--to: target "10\.0\.0\.1:0": port "0" must be/],
  [[...GOOD, "--policy", "best"], /--policy: unknown policy "best": known are .*round_robin/],
  [[...GOOD, "--service-config", "{"], /--service-config: is not JSON: /],
  [
    [...GOOD, "--service-config", "[]"],
    /--service-config: service config is \[\], must be an object/,
  ],
  [[...GOOD, "--policy", "random", "--service-config", "{}"], /--policy and --service-config excl/],
  [[...GOOD, "--admin", "here"], /--admin "here": must be HOST:PORT/],
  [[...GOOD, "--admin", "70000"], /--admin "70000": must be/],
  [[...GOOD, "--workers", "0"], /--workers "0": must be a whole number from 1 to 128/],
  [[...GOOD, "--workers", "two"], /--workers "two": must be a whole number/],
  [[...GOOD, "--max-streams", "-1"], /--max-streams "-1": must be a whole number/],
  [[...GOOD, "--max-connections", "1.5"], /--max-connections "1\.5": must be a whole number/],
  [[...GOOD, "--max-connections-per-endpoint", "0"], /"0": must be a whole number from 1 to/],
  [[...GOOD, "--drain-timeout", "soon"], /--drain-timeout "soon": must be a number of seconds/],
  [[...GOOD, "--drain-delay", "1e3"], /--drain-delay "1e3": must be a number of seconds/],
  [[...GOOD, "--ready-timeout", ""], /--ready-timeout "": must be a number of seconds/],
  [[...GOOD, "--tls-cert", "a"], /--tls-cert needs --tls-key/],
  [[...GOOD, "--tls-key", "a"], /--tls-key needs --tls-cert/],
  [[...GOOD, "--tls-client-ca", "a"], /--tls-client-ca needs --tls-cert and --tls-key/],
  [[...GOOD, "--to-ca", "a"], /--to-ca needs --to-tls/],
  [[...GOOD, "--to-authority", "a"], /--to-authority needs --to-tls/],
  [[...GOOD, "--to-tls", "--to-cert", "a"], /--to-cert needs --to-key/],
  [[...GOOD, "--to-tls", "--to-key", "a"], /--to-key needs --to-cert/],
  [[...GOOD, "--to-tls", "--to-authority", "a:443"], /--to-authority "a:443": must be a name/],
  [[...GOOD, "--peers", "a:1"], /--peers needs --peer-listen/],
  [[...GOOD, "--peer-listen", "127.0.0.1:0"], /--peer-listen needs --peers/],
  [[...GOOD, "--peers", "a", "--peer-listen", "127.0.0.1:0"], /--peers: target "a": the port is/],
  [[...GOOD, "--peers", "a:1", "--peer-listen", "9902"], /--peer-listen "9902": must be HOST:PORT/],
  [[...GOOD, "--peers", "a:1", "--peer-listen", "unix:/a"], /"unix:\/a": must be HOST:PORT/],
  [[...GOOD, "--peers", "a:1", "--peers", "b:1"], /--peers is given twice/],
  [[...GOOD, "--peer-tls-cert", "a"], /--peer-tls-cert needs --peer-tls-key and --peer-tls-ca/],
  [[...GOOD, "--peer-tls-ca", "a"], /--peer-tls-ca needs --peer-tls-cert and --peer-tls-key/],
  [
    [...GOOD, "--peer-tls-cert", "a", "--peer-tls-key", "b", "--peer-tls-ca", "c"],
    /--peer-tls-cert needs --peers/,
  ],
  [[...GOOD, "--max-connection-age", "old"], /--max-connection-age "old": must be a number of sec/],
  [
    [...GOOD, "--max-connection-age", "86401"],
    /"86401": must be a number of seconds from 0 to 86400/,
  ],
  [[...GOOD, "--max-connection-age-grace", "5"], /-age-grace needs --max-connection-age/],
  [[...GOOD, "--log-level", "loud"], /--log-level "loud": must be one of trace, debug, info/],
  [[...GOOD, "extra"], /too many arguments/],
  [["why", "127.0.0.1:1", "--to-ca", "a"], /--to-ca needs --to-tls/],
  [["why", "127.0.0.1:1", "--to-tls", "--to-cert", "a"], /--to-cert needs --to-key/],
  [["why", "--admin", "1", "--to-tls"], /--to-tls and --admin exclude each other/],
  [["why", "--admin", "1", "--policy", "random"], /--policy and --admin exclude each other/],
  [["why", "--admin", "1", "--to-key", "a"], /--to-key and --admin exclude each other/],
  [["why", "--admin", "1", "--kubeconfig", "a"], /--kubeconfig and --admin exclude each other/],
  [["why", "--admin", "1", "--context", "a"], /--context and --admin exclude each other/],
  [["why", "--admin", "1", "-n", "a"], /--namespace and --admin exclude each other/],
  [["why", "--admin", "1", "--objects", "a"], /--objects and --admin exclude each other/],
  [["why", "--admin", "1", "--node", "a"], /--node and --admin exclude each other/],
  [["why", "--admin", "1", "--zone", "a"], /--zone and --admin exclude each other/],
  [
    ["why", "a:1", "--objects", "a", "--context", "b"],
    /--objects and --context exclude each other/,
  ],
  [
    [...GOOD, "--objects", "a", "--kubeconfig", "b", "--log-level", "error"],
    /--objects and --kubec/,
  ],
  [["why", "a:1", "--policy", "random", "--service-config", "{}"], /--policy and --service-config/],
  [["why", "a:1", "--connections"], /--connections takes no TARGET: it asks a proxy/],
  [["why", "--connections", "--to-tls"], /--to-tls and --admin exclude each other/],
  [["why"], /why needs a TARGET or --admin/],
  [["why", "orders"], /^fairlead: target "orders": the port is missing/m],
  [["why", "127.0.0.1:1", "-o", "yaml"], /--output "yaml": must be one of table, json/],
  [["why", "127.0.0.1:1", "127.0.0.2:1"], /too many arguments/],
];

for (const [args, line] of MISTAKES) {
  test(`fairlead ${args.join(" ")} is refused with one line`, async () => {
    const { code, stdout, stderr } = await runProcess(FAIRLEAD, args);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    assert.match(stderr, /^fairlead: /);
    assert.match(stderr, line);
    assert.deepEqual([code, stdout], [2, ""]);
  });
}

test("without a verb the help goes to stderr and the exit code is 2", async () => {
  const { code, stdout, stderr } = await runProcess(FAIRLEAD, []);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^Usage: fairlead VERB/);
});

test("--version prints the version of the package", async () => {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8"));
  for (const flag of ["--version", "-V", "version"]) {
    const { code, stdout } = await runProcess(FAIRLEAD, [flag]);
    assert.deepEqual([code, stdout], [0, `${version}\n`]);
  }
});

test("the help of why says what its exit code means", async () => {
  const { stdout } = await runProcess(FAIRLEAD, ["why", "--help"]);
  assert.match(stdout, /^Exit code: 0 when at least one endpoint is usable, 1 when none is/m);
});

test("the help of proxy names every kind of target", async () => {
  const { stdout } = await runProcess(FAIRLEAD, ["proxy", "--help"]);
  for (const kind of ["kubernetes:///", "xds:///", "dns:///", "unix:"]) {
    assert.ok(stdout.includes(kind), kind);
  }
});

test("check has no target, and its help speaks of none", async () => {
  const { code, stdout } = await runProcess(FAIRLEAD, ["check", "--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /--namespace <name> +the namespace to check/);
  assert.doesNotMatch(stdout, /target/);
});

test("the help names every verb, and each verb's help has examples", async () => {
  const { code, stdout } = await runProcess(FAIRLEAD, ["--help"]);
  assert.equal(code, 0);
  for (const verb of ["proxy", "why", "lab"]) {
    assert.match(stdout, new RegExp(`^ {2}${verb}\\b`, "m"));
    const help = await runProcess(FAIRLEAD, [verb, "--help"]);
    assert.equal(help.code, 0);
    assert.match(help.stdout, new RegExp(`^Examples:\\n[^]*^ {2}fairlead ${verb}`, "m"));
    for (const flag of ["--log-level", "--no-color"]) assert.ok(help.stdout.includes(flag));
  }
});

// A report on a full disk was empty, and the exit code that of a good one.
test("output that cannot be written: one line, exit 1; a reader that went is no error", async (t) => {
  if (!existsSync("/dev/full")) return t.skip("this system has no /dev/full");
  const run = (into: string) =>
    runProcess("/bin/sh", ["-c", `"$0" lab list ${into}`, FAIRLEAD], { timeoutMs: 60_000 });
  const { code, stderr } = await run("> /dev/full");
  assert.equal(code, 1);
  assert.match(stderr, /^fairlead: the output cannot be written: ENOSPC.*\n$/);
  const cut = await run("| head -n 0");
  assert.deepEqual({ code: cut.code, stderr: cut.stderr }, { code: 0, stderr: "" });
});
