/**
 * `fairlead proxy --mode`, `capture-rules`, `inject` and `uninject` as commands: mistakes, results,
 * and what is said without `koffi`. What they do in a network is in `test/capture/`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runProcess } from "../peers/processes.ts";
import { FAIRLEAD } from "./harness.ts";

const SIDECAR = ["proxy", "--mode", "sidecar"];
const RULES = ["capture-rules", "--mode", "sidecar"];

const MISTAKES: [args: string[], line: RegExp][] = [
  [["proxy", "--outbound-port", "1"], /--outbound-port needs --mode sidecar or --mode node/],
  [[...SIDECAR, "--to", "127.0.0.1:1"], /--to and --mode exclude each other/],
  [[...SIDECAR, "--gateway", "a/b"], /--gateway and --mode exclude each other/],
  [[...SIDECAR, "--inbound-port", "15001"], /--outbound-port and --inbound-port must differ/],
  [
    ["proxy", "--mode", "node", "--capture-by", "tproxy"],
    /--mode node takes --capture-by redirect/,
  ],
  [["capture-rules"], /--mode is missing: sidecar or node/],
  [["capture-rules", "--mode", "node"], /--mode node needs --source-cidrs/],
  [[...RULES, "--source-cidrs", "10.0.0.0/8"], /--source-cidrs needs --mode node/],
  [[...RULES, "--apply", "--delete"], /--print, --apply and --delete exclude each other/],
  [[...RULES, "--skip-cidrs", "10.0.0.0/33"], /"10\.0\.0\.0\/33": must be addresses and CIDRs/],
  [[...RULES, "--skip-outbound-ports", "80,x"], /"80,x": must be ports and ranges such as/],
  [["inject"], /--file is missing: a manifest, or - for stdin/],
  [["inject", "-f", "-", "--proxy-admin-port", "15001"], /the proxy's ports must differ/],
  [["proxy", "--control", "127.0.0.1:1"], /--control needs --gateway NAMESPACE\/NAME, or --mode/],
  [["inject", "-f", "-", "--control-ca", "x"], /--control-ca "x": must be secret\/NAME or/],
  [["inject", "-f", "-", "--control-cert", "x"], /needs the CA of the control plane/],
  [["inject", "-f", "-", "--control-ca", "secret/x"], /needs the address of the control plane/],
  [["inject", "-f", "-", "--mode", "node"], /--mode "node": must be one of sidecar/],
];

test("what a user gets wrong is told in one line, with exit code 2", async () => {
  const runs = MISTAKES.map(async ([args, line]) => {
    const { code, stdout, stderr } = await runProcess(FAIRLEAD, args);
    assert.deepEqual([code, stdout], [2, ""], `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, line);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
  });
  await Promise.all(runs);
});

test("rules are printed for people to read: their own table, and what is left alone", async () => {
  const args = ["--skip-outbound-ports", "3306,6000-6010", "--skip-cidrs", "10.1.0.0/16,10.1.2.3"];
  const { code, stdout } = await runProcess(FAIRLEAD, [...RULES, ...args]);
  assert.equal(code, 0);
  for (const line of ["tcp dport 3306 return", "tcp dport 6000-6010 return"]) {
    assert.ok(stdout.includes(`    ${line}\n`), stdout);
  }
  assert.match(stdout, /ip daddr \{ 127\.0\.0\.0\/8, 10\.1\.0\.0\/16 \} return/);
  assert.match(stdout, /redirect to :15001\n[\s\S]*redirect to :15006\n/);
});

test("a manifest goes through stdin and stdout, with a summary on stderr, and back", async () => {
  const input = "kind: Pod\nmetadata:\n  name: x\nspec:\n  containers:\n  - name: app\n";
  const image = ["--image", "registry.example/own:1"];
  const injected = await runProcess(FAIRLEAD, ["inject", "-f", "-", ...image], { input });
  assert.equal(injected.code, 0);
  assert.equal(injected.stderr, "\npod/x injected\n\n");
  assert.match(injected.stdout, /- name: fairlead-proxy\n/);
  const back = await runProcess(FAIRLEAD, ["uninject", "-f", "-"], { input: injected.stdout });
  assert.equal(back.stdout, input);
  const placeholder = await runProcess(FAIRLEAD, ["inject", "-f", "-"], { input });
  assert.match(
    placeholder.stderr,
    /\nwarning: image registry\.example\/fairlead:\S+ is a placeholder/,
  );
  const foo = await runProcess(FAIRLEAD, ["inject", "-f", "-"], { input: "kind: Foo\n" });
  assert.deepEqual([foo.code, foo.stdout], [0, "kind: Foo\n"]);
  const nothing = "\nfoo/? skipped\nnothing was changed\n\n";
  assert.equal(foo.stderr, nothing, "and no word of an image that is nowhere");
  const empty = await runProcess(FAIRLEAD, ["inject", "-f", "-"], { input: "\n" });
  assert.deepEqual([empty.code, empty.stdout], [1, ""]);
  assert.match(empty.stderr, /stdin: is empty: a manifest is expected/);
  const broken = await runProcess(FAIRLEAD, ["inject", "-f", "-"], { input: "a: [" });
  assert.deepEqual([broken.code, broken.stdout], [1, ""]);
  assert.match(broken.stderr, /^fairlead: stdin: document 1 is not YAML: /);
  const missing = await runProcess(FAIRLEAD, ["inject", "-f", "/no/such/file"]);
  assert.deepEqual([missing.code, missing.stdout], [1, ""]);
  assert.match(missing.stderr, /no such file/);
});

/** A Node in which no package of that name is installed. */
const WITHOUT_KOFFI = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({
    resolve(specifier, context, next) {
      return next(specifier === "koffi" ? "koffi-that-is-not-there" : specifier, context);
    },
  });
`)}`;

test("without koffi a sidecar ends with the reason, and 1", async () => {
  const env = { NODE_OPTIONS: `--import ${WITHOUT_KOFFI}` };
  const { code, stderr } = await runProcess(FAIRLEAD, [...SIDECAR, "--objects", "."], { env });
  assert.equal(code, 1);
  const sentence = "modes sidecar and node need the package koffi: it is not installed";
  assert.ok(stderr.includes(`fairlead: ${sentence}: npm install koffi\n`), stderr);
});
