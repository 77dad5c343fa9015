/** Mistakes in the flags of the mesh way: `control`, and `proxy` with many targets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runProcess } from "../peers/processes.ts";
import { FAIRLEAD } from "./harness.ts";

const FILES = ["--objects", "."];

/** Arguments that are refused, and the line that says why. */
const MISTAKES: readonly (readonly [args: string, line: RegExp])[] = [
  ["control --listen here", /--listen "here": must be HOST:PORT, \[IPV6\]:PORT or unix:PATH/],
  ["control --tls-cert a", /--tls-cert needs --tls-key/],
  ["control --tls-client-ca a", /--tls-client-ca needs --tls-cert and --tls-key/],
  ["control --authorize", /--authorize needs --tls-client-ca/],
  ["control --drain-timeout -1", /--drain-timeout "-1": must be a number of seconds/],
  ["control --inject", /--inject and --objects exclude each other/],
  ["control --image a", /^fairlead: --image needs --inject$/m],
  ["control --proxy-control a:1", /^fairlead: --proxy-control needs --inject$/m],
  ["control --skip-cidrs 10.0.0.0/8", /^fairlead: --skip-cidrs needs --inject$/m],
  ["control --inject-name a", /^fairlead: --inject-name needs --inject$/m],
  ["control --zone a", /unknown option '--zone'/],
  ["control prod", /too many arguments/],
  ["proxy --gateway edge", /--gateway "edge": must be NAMESPACE\/NAME of a Gateway/],
  ["proxy --gateway a/b --to c:1", /--to and --gateway exclude each other/],
  ["proxy --gateway a/b --mode node", /--gateway and --mode exclude each other/],
  ["proxy --gateway a/b --to-tls", /--to-tls needs --to with one target/],
  ["proxy --gateway a/b --tls-cert a --tls-key b", /--tls-cert needs --to with one target/],
  ["proxy --mode gateway", /--mode "gateway": must be one of sidecar, node/],
  ["proxy --mode sidecar --listen 127.0.0.1:1", /--listen and --mode exclude each other/],
  ["proxy --mode sidecar --workers 2", /--workers and --mode exclude each other/],
];
const AT_CONTROL: typeof MISTAKES = [
  ["control --inject", /^fairlead: --inject needs --image: /m],
  ["proxy --control a:1", /--control needs --gateway NAMESPACE\/NAME, or --mode/],
  ["proxy --control a:1 --to b:1", /--to and --control exclude each other/],
  ["proxy --control a --gateway b/c", /--control "a": must be HOST:PORT/],
  ["proxy --control-ca a --to b:1", /--control-ca needs --control/],
];

const ALL = [
  ...MISTAKES.map(([args, line]) => [[...args.split(" "), ...FILES], line] as const),
  ...AT_CONTROL.map(([args, line]) => [args.split(" "), line] as const),
];

test("each is refused with one line", { concurrency: 4 }, async (t) => {
  const tests = ALL.map(([args, line]) =>
    t.test(args.join(" "), async () => {
      const { code, stdout, stderr } = await runProcess(FAIRLEAD, args);
      assert.match(stderr, line);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
      assert.deepEqual([code, stdout], [2, ""]);
    }),
  );
  await Promise.all(tests);
});

// Sidecars without a control plane, and without rights of their own, balanced nothing and nothing
// said so: the flag was in none of the steps that people follow.
test("a webhook whose proxies are told of no control plane is warned of at its start", async () => {
  const args = ["control", "--inject", "--image", "a:1", "--kubeconfig", "/no/such/file"];
  const without = await runProcess(FAIRLEAD, args);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /--proxy-control is not.*"injected proxies are told of no control/);
  const withIt = await runProcess(FAIRLEAD, [...args, "--proxy-control", "a:1"]);
  assert.doesNotMatch(withIt.stderr, /told of no control plane/);
});
