/** Tests of service configs from TXT records: gRFC A2, and when they are asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SERVICE_CONFIG_CHARS_MAX, SERVICE_CONFIG_DEPTH_MAX } from "../service-config.ts";
import { chooseServiceConfig } from "./config-choice.ts";
import { CONFIG_POLL_MS, CONFIG_WAIT_MS_MAX } from "./config-watch.ts";
import { setup } from "./fake-dns-suite.ts";

const CLIENT = { percentile: 50, hostname: "pod-1" };
const NAME = "_grpc_config.echo.prod";
const choose = (...records: string[][]) => chooseServiceConfig(records, NAME, CLIENT);
const of = (choices: unknown) => [`grpc_config=${JSON.stringify(choices)}`];
const config = (n: number) => ({ serviceConfig: { n } });

test("A2: the first choice that fits is taken", () => {
  for (const [choices, want] of [
    [[config(1), config(2)], 1],
    [[{ clientLanguage: ["go"], ...config(1) }, config(2)], 2],
    [[{ clientLanguage: ["go", "NODE"], ...config(1) }, config(2)], 1],
    [[{ clientHostname: ["pod-2"], ...config(1) }, config(2)], 2],
    [[{ clientHostname: ["pod-1"], ...config(1) }, config(2)], 1],
    [[{ percentage: 50, ...config(1) }, config(2)], 2],
    [[{ percentage: 51, ...config(1) }, config(2)], 1],
    [[{ percentage: 0, ...config(1) }], null],
    [[], null],
  ] as const) {
    const chosen = choose(of(choices));
    assert.deepEqual(chosen, want === null ? null : { json: { n: want } }, JSON.stringify(choices));
  }
});

test("A2: a record may be in pieces, and beside others", () => {
  const [text] = of([config(1)]);
  assert.deepEqual(choose(["v=spf1"], [text.slice(0, 5), text.slice(5)]), { json: { n: 1 } });
  assert.equal(choose(["v=spf1"]), null);
  assert.equal(choose(), null);
});

test("A2: a choice that is malformed is told, even behind one that fits", () => {
  for (const [text, error] of [
    ["grpc_config={}", "must be a list of choices"],
    ["grpc_config=[1]", "[0] must be an object"],
    [of([config(1), {}])[0], "[1].serviceConfig must be an object"],
    [of([{ clientLanguage: "node", ...config(1) }])[0], "[0].clientLanguage must be a list of"],
    [of([{ clientHostname: [1], ...config(1) }])[0], "[0].clientHostname must be a list of"],
    [of([{ percentage: 101, ...config(1) }])[0], "[0].percentage must be a whole number"],
    [of([{ zone: "a", ...config(1) }])[0], '[0] has an unknown field "zone"'],
    ["grpc_config=[", "is not JSON: "],
    [
      `grpc_config=${" ".repeat(SERVICE_CONFIG_CHARS_MAX + 1)}`,
      "has 65537 characters, more than 65536",
    ],
    [
      `grpc_config=${"[".repeat(SERVICE_CONFIG_DEPTH_MAX + 1)}${"]".repeat(SERVICE_CONFIG_DEPTH_MAX + 1)}`,
      "is nested deeper than 100 levels",
    ],
  ]) {
    const chosen = choose([text]) as { error: string };
    assert.ok(chosen.error.startsWith(`TXT record of ${NAME} ${error}`), chosen.error);
  }
});

test("TXT records are asked for only when that is wanted", async () => {
  const { dns, echo, start, pass, end } = setup();
  echo.a = ["127.0.0.1"];
  start();
  await pass(60_000);
  assert.ok(!dns.asked.some((question) => question.startsWith("TXT")));
  end();
});

test("the first set has the config of the name that was found; it is asked for twice a minute", async () => {
  const { dns, echo, sets, start, pass, end } = setup({ txt: true });
  echo.a = ["127.0.0.1"];
  dns.name(NAME).txt = [of([config(1)])];
  start();
  await pass(0);
  assert.deepEqual(
    sets.map(({ serviceConfig }) => serviceConfig),
    [{ json: { n: 1 } }],
  );
  dns.name(NAME).txt = [of([config(2)])];
  await pass(CONFIG_POLL_MS);
  assert.equal(sets.length, 2);
  assert.deepEqual(sets[1].serviceConfig, { json: { n: 2 } });
  assert.equal(sets[1].endpoints[0], sets[0].endpoints[0]);
  assert.equal(dns.asked.filter((question) => question.startsWith("TXT")).length, 2);
  end();
});

test("a failure keeps the last config, and none takes it away", async () => {
  const { dns, echo, sets, start, pass, end } = setup({ txt: true });
  echo.a = ["127.0.0.1"];
  dns.name(NAME).txt = [of([config(1)])];
  start();
  await pass(0);
  dns.name(NAME).txt = "ESERVFAIL";
  await pass(CONFIG_POLL_MS);
  echo.a = ["127.0.0.2"];
  await pass(5000);
  assert.deepEqual(sets.at(-1)?.serviceConfig, { json: { n: 1 } });
  dns.name(NAME).txt = "ENODATA";
  await pass(CONFIG_POLL_MS);
  assert.equal(sets.at(-1)?.serviceConfig, undefined);
  end();
});

test("who is silent about TXT holds the addresses up for a second, and no more", async () => {
  const { dns, echo, heard, sets, start, pass, end } = setup({ txt: true });
  echo.a = ["127.0.0.1"];
  dns.name(NAME).txt = null;
  start();
  await pass(CONFIG_WAIT_MS_MAX - 1);
  assert.deepEqual(heard, []);
  await pass(1);
  assert.deepEqual(heard, ["+ 127.0.0.1:50051"]);
  dns.name(NAME).txt = [of([config(1)])];
  dns.release();
  await pass(0);
  assert.deepEqual(sets.at(-1)?.serviceConfig, { json: { n: 1 } });
  end();
});

test("a name that does not exist is told at once, and has no TXT records", async () => {
  const { dns, echo, heard, start, pass, end } = setup({ txt: true });
  echo.a = "ENOTFOUND";
  echo.aaaa = "ENOTFOUND";
  start();
  await pass(10_000);
  assert.deepEqual(heard, ["+"]);
  assert.ok(!dns.asked.some((question) => question.startsWith("TXT")));
  end();
});
