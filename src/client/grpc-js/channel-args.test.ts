/** Tests of the channel arguments of grpc-js: one for every row of the table. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PolicyError } from "../../balancing/index.ts";
import {
  CHANNEL_ARGS,
  ChannelArgError,
  type ChannelArgs,
  parseChannelArgs,
} from "./channel-args.ts";

const parse = (args: ChannelArgs) => parseChannelArgs(args, null);
/** What is compared: policies are objects with a life of their own. */
const shown = (args: ChannelArgs) => {
  const { ownConfig, ...rest } = parse(args);
  return { ...rest, policy: ownConfig.balancing.policy.name };
};
const NOTHING = shown({});

const CONFIG = { loadBalancingConfig: [{ round_robin: {} }] };
const KEEPALIVE = { "grpc.keepalive_time_ms": 60_000 };

type Parsed = ReturnType<typeof shown>;
/** For each honoured argument: a value, and what of the result it is to be seen in. */
const HONOURED: Readonly<Record<string, [value: unknown, (parsed: Parsed) => unknown, unknown]>> = {
  "grpc.primary_user_agent": ["mine/1", (parsed) => parsed.userAgentParts, ["mine/1", ""]],
  "grpc.secondary_user_agent": ["mine/1", (parsed) => parsed.userAgentParts, ["", "mine/1"]],
  "grpc.default_authority": ["a.test", (parsed) => parsed.authority, "a.test"],
  "grpc.keepalive_time_ms": [20_000, (parsed) => parsed.cluster.keepalive?.timeMs, 20_000],
  "grpc.keepalive_timeout_ms": [5, (parsed) => parsed.cluster.keepalive?.timeoutMs, 5],
  "grpc.keepalive_permit_without_calls": [
    1,
    (parsed) => parsed.cluster.keepalive?.permitWithoutCalls,
    true,
  ],
  "grpc.service_config": [JSON.stringify(CONFIG), (parsed) => parsed.policy, "round_robin"],
  "grpc.service_config_disable_resolution": [1, (parsed) => parsed.takesServiceConfig, false],
  "grpc.initial_reconnect_backoff_ms": [7, (parsed) => parsed.cluster.backoff.initialMs, 7],
  "grpc.max_reconnect_backoff_ms": [7_000, (parsed) => parsed.cluster.backoff.maxMs, 7_000],
  "grpc.use_local_subchannel_pool": [1, (parsed) => parsed.isShared, false],
  "grpc.max_send_message_length": [7, (parsed) => parsed.sendBytesMax, 7],
  "grpc.max_receive_message_length": [-1, (parsed) => parsed.receiveBytesMax, Infinity],
  "grpc.max_metadata_size": [777, (parsed) => parsed.cluster.connection.headerListBytesMax, 777],
  "grpc.enable_http_proxy": [0, (parsed) => parsed.usesHttpProxy, false],
  "grpc.default_compression_algorithm": [2, (parsed) => parsed.encoding, "gzip"],
  "grpc.enable_channelz": [0, (parsed) => parsed.isInChannelz, false],
  "grpc.client_idle_timeout_ms": [7_000, (parsed) => parsed.idleTimeoutMs, 7_000],
  "grpc.enable_retries": [0, (parsed) => parsed.attemptsMax, 1],
  "grpc-node.retry_max_attempts_limit": [7, (parsed) => parsed.attemptsMax, 7],
  "grpc.per_rpc_retry_buffer_size": [9, (parsed) => parsed.cluster.replay.callBytesMax, 9],
  "grpc.retry_buffer_size": [9, (parsed) => parsed.cluster.replay.totalBytesMax, 9],
  "grpc-node.flow_control_window": [
    99_999,
    (parsed) => parsed.cluster.connection.streamWindowBytes,
    99_999,
  ],
};
/** Honoured where credentials are read. */
const OF_CREDENTIALS = ["grpc.ssl_target_name_override", "grpc-node.tls_enable_trace"];

for (const [name, { treatment, note }] of Object.entries(CHANNEL_ARGS)) {
  test(`${name} is ${treatment}`, () => {
    assert.notEqual(note, "");
    if (treatment === "refused") {
      assert.throws(
        () => parse({ [name]: 1 }),
        (error) => error instanceof ChannelArgError && error.message.includes(name),
      );
      assert.deepEqual(shown({ [name]: undefined }), NOTHING, "one that is not set is none");
    } else if (treatment === "ignored" || OF_CREDENTIALS.includes(name)) {
      assert.deepEqual(shown({ [name]: "whatever" }), NOTHING);
    } else {
      const row = HONOURED[name];
      assert.ok(row !== undefined, "the test knows what it does");
      const [value, seen, wanted] = row;
      const before = shown(KEEPALIVE);
      assert.notDeepEqual(seen(before), wanted, "it makes a difference");
      assert.deepEqual(seen(shown({ ...KEEPALIVE, [name]: value })), wanted);
      for (const wrong of [{}, Symbol.iterator]) {
        assert.throws(
          () => parse({ ...KEEPALIVE, [name]: wrong }),
          (error) => error instanceof ChannelArgError && error.message.includes(name),
        );
      }
    }
  });
}

test("every row that the test knows is in the table", () => {
  for (const name of [...Object.keys(HONOURED), ...OF_CREDENTIALS]) {
    assert.equal(CHANNEL_ARGS[name]?.treatment, "honoured", name);
  }
});

test("values are raised to what gRPC allows, not refused", () => {
  const parsed = parse({
    "grpc.keepalive_time_ms": 1,
    "grpc.client_idle_timeout_ms": 1,
    "grpc.initial_reconnect_backoff_ms": 200_000,
    "grpc-node.flow_control_window": 2 ** 31 - 1,
  });
  assert.equal(parsed.cluster.keepalive?.timeMs, 10_000);
  assert.equal(parsed.idleTimeoutMs, 1_000);
  assert.deepEqual(parsed.cluster.backoff, { initialMs: 200_000, maxMs: 200_000 });
  assert.equal(parsed.cluster.connection.streamWindowBytesMax, 2 ** 31 - 1);
});

test("numbers out of range are named with what is allowed", () => {
  assert.throws(
    () => parse({ "grpc.default_compression_algorithm": 3 }),
    /grpc\.default_compression_algorithm is 3, must be a whole number, from 0 to 2$/,
  );
  assert.throws(
    () => parse({ "grpc.max_metadata_size": 0 }),
    /is 0, must be .* from 1 to 4294967295$/,
  );
});

test("a service config is checked, and excludes the option policy", () => {
  const config = (value: unknown): ChannelArgs => ({
    "grpc.service_config": JSON.stringify(value),
  });
  assert.throws(() => parse({ "grpc.service_config": "{" }), /grpc\.service_config is not JSON/);
  assert.throws(() => parse(config({ loadBalancingConfig: [{ nothing: {} }] })), PolicyError);
  assert.throws(() => parseChannelArgs(config(CONFIG), "random"), /exclude each other$/);
  assert.equal(
    parseChannelArgs(config({ methodConfig: [] }), "random").ownConfig.balancing.policy.name,
    "random",
  );
});
