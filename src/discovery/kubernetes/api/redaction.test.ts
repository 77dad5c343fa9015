/** Tests of what takes tokens out of texts and log lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingLogger } from "../../../base/index.ts";
import { Redaction, TOKENS_REMEMBERED_MAX } from "./redaction.ts";
import { Secret } from "./secret.ts";

const TOKEN = "s3cr3t-t0k3n-0123456789";

function redactionOf(...tokens: string[]): Redaction {
  const redaction = new Redaction();
  for (const token of tokens) redaction.add(new Secret(token));
  return redaction;
}

test("a token is taken out, and the beginning of one where the text was cut", () => {
  const redaction = redactionOf(TOKEN);
  for (const [text, clean] of [
    [`a ${TOKEN} b ${TOKEN}`, "a *** b ***"],
    [`x${TOKEN.slice(0, 12)}...`, "x***..."],
    [
      `is "${TOKEN.slice(0, 9)}"... (70 characters), must be`,
      'is "***"... (70 characters), must be',
    ],
    [`x${TOKEN.slice(0, 4)}...`, "x***..."],
    [`${TOKEN.slice(0, 9)} is a word of its own`, `${TOKEN.slice(0, 9)} is a word of its own`],
    ["nothing", "nothing"],
  ]) {
    assert.equal(redaction.clean(text), clean);
  }
});

test("a token with quotes is taken out of JSON too", () => {
  const token = 'quoted"and\\slashed';
  assert.equal(redactionOf(token).clean(`${token} ${JSON.stringify(token)}`), '*** "***"');
});

test("TOKENS_REMEMBERED_MAX: replaced tokens stay secret, the oldest is forgotten", () => {
  const tokens = Array.from({ length: TOKENS_REMEMBERED_MAX + 1 }, (_, i) => `token-number-${i}`);
  const redaction = redactionOf(...tokens);
  assert.equal(
    redaction.clean(tokens.join(" ")),
    ["token-number-0", ...tokens.slice(1).map(() => "***")].join(" "),
  );
});

test("a logger shows no token at any level, nor do its children", () => {
  const log = new RecordingLogger();
  const clean = redactionOf(TOKEN).logger(log);
  for (const logger of [clean, clean.child({ of: TOKEN })]) {
    for (const level of ["trace", "debug", "info", "warn", "error"] as const) {
      logger[level](level, { text: `<${TOKEN}>`, count: 1 });
    }
  }
  assert.equal(log.entries.length, 10);
  assert.doesNotMatch(JSON.stringify(log.entries), /s3cr3t/);
  assert.deepEqual(log.entries[9].fields, { of: "***", text: "<***>", count: 1 });
});
