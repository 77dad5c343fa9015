/** What `fairleadChannel` and its channel arguments refuse, and a log that throws. */
import assert from "node:assert/strict";
import test from "node:test";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { eventually, RawServer } from "../../../test/support/raw-http2.ts";
import { ChannelArgError, fairleadChannel, type Logger } from "./public.ts";

const LOG = /^fairleadChannel: log /;
const REFUSED: readonly (readonly [options: unknown, message: RegExp])[] = [
  [5, /^fairleadChannel is 5, must be an object$/],
  [null, /^fairleadChannel is null, must be an object$/],
  [[], /^fairleadChannel is \[\], must be an object$/],
  [{ policy: 5 }, /^fairleadChannel: policy is 5, must be a string/],
  [{ policy: "" }, /^fairleadChannel: policy is "", must be a string/],
  [{ grpc: 5 }, /^fairleadChannel: grpc is 5, must be the module @grpc\/grpc-js$/],
  [{ grpc: null }, /^fairleadChannel: grpc is null, must be the module/],
  [
    { allowPlaintextCallCredentials: "no" },
    /^fairleadChannel: allowPlaintextCallCredentials is "no", must be true or false$/,
  ],
  [{ maxConnectionsPerEndpoint: 0 }, /^fairleadChannel: maxConnectionsPerEndpoint is 0, must/],
  [{ log: 5 }, LOG],
  [{ log: null }, LOG],
  [{ log: {} }, /^fairleadChannel: log must have the functions trace, .*, child$/],
  [{ kubernetes: 5 }, /^fairleadChannel: kubernetes is 5, must be an object$/],
  [{ kubernetes: null }, /^fairleadChannel: kubernetes is null, must be an object$/],
  [{ kubernetes: { a: 1 } }, /^fairleadChannel: kubernetes: unknown option a: allowed are/],
];

for (const [options, message] of REFUSED) {
  test(`fairleadChannel(${JSON.stringify(options)}) is refused`, () => {
    assert.throws(
      () => fairleadChannel(options as never),
      (error) => error instanceof RangeError && message.test(error.message),
    );
  });
}

const open = (target: string, args: object, options = {}): Client =>
  new Client(target, credentials.createInsecure(), {
    channelFactoryOverride: fairleadChannel(options),
    ...args,
  });

test("channel arguments that no header can carry are refused when the client is made", () => {
  const names = ["primary_user_agent", "secondary_user_agent", "default_authority"];
  for (const name of [...names, "ssl_target_name_override"].map((each) => `grpc.${each}`)) {
    const isAgent = name.endsWith("agent");
    const wrong = ["a\r\nx: y", "a\0", "\u00e4", {}, 5, ...(isAgent ? [] : ["", "a b"])];
    for (const value of wrong) {
      assert.throws(
        () => open("127.0.0.1:1", { [name]: value }),
        (error) => error instanceof ChannelArgError && error.message.includes(name),
        JSON.stringify(value),
      );
    }
    open("127.0.0.1:1", { [name]: "a.test" }).close();
  }
});

test("what discovery misses is named as the option that gives it", async (t) => {
  const kubernetes = { kubeconfig: "/nowhere/config" };
  const client = open("kubernetes:///echo.prod:grpc", {}, { kubernetes });
  t.after(() => client.close());
  const same = (bytes: Buffer): Buffer => bytes;
  const details = await new Promise<string | undefined>((resolve) => {
    client.makeUnaryRequest("/t.E/Say", same, same, Buffer.from("x"), (error) =>
      resolve(error?.details),
    );
  });
  assert.match(String(details), /: kubernetes\.kubeconfig \/nowhere\/config: no such file$/);
});

const fail = (): never => {
  throw new Error("the disk is full");
};
const THROWING: Readonly<Record<string, () => Logger>> = {
  always: () =>
    ({ trace: fail, debug: fail, info: fail, warn: fail, error: fail, child: fail }) as Logger,
  once: () => {
    let isFirst = true;
    const line = (): void => {
      const mustFail = isFirst;
      isFirst = false;
      if (mustFail) fail();
    };
    const log = { trace: line, debug: line, info: line, warn: line, error: line };
    return { ...log, child: () => ({ ...log, child: fail }) };
  },
};

for (const [how, make] of Object.entries(THROWING)) {
  test(`a log that throws ${how} is felt by no call`, { timeout: 20_000 }, async (t) => {
    const server = await RawServer.listen();
    t.after(() => server.close());
    const log = make();
    const client = open(server.address, {}, { log });
    t.after(() => client.close());
    const same = (bytes: Buffer): Buffer => bytes;
    const codes: number[] = [];
    const ask = (): void => {
      const done = (error: ServiceError | null): void => {
        codes.push(error?.code ?? status.OK);
      };
      client.makeUnaryRequest("/t.E/Say", same, same, Buffer.from("x"), done);
    };
    ask();
    const connection = await server.next();
    await connection.nextStream();
    connection.destroy();
    await eventually("the first call ends", () => codes.length === 1);
    assert.deepEqual(codes, [status.UNAVAILABLE]);
    ask();
    const again = await server.next();
    await again.nextStream();
    again.destroy();
    await eventually("the second call ends", () => codes.length === 2);
    assert.deepEqual(codes, [status.UNAVAILABLE, status.UNAVAILABLE]);
  });
}
