/** Clients that are gone without a FIN: asked whether they are there, given up, and heard of. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import {
  eventually,
  grpcRequest,
  type RawConnection,
  type RawOptions,
  rawClient,
  Type,
} from "../../test/support/raw-http2.ts";
import { silentLogger, VirtualClock } from "../base/index.ts";
import { Status } from "../grpc/index.ts";
import { SERVER_KEEPALIVE_TIME_MS, SERVER_KEEPALIVE_TIMEOUT_MS } from "./limits.ts";
import type { GrpcMethod } from "./method.ts";
import { GrpcServer } from "./server.ts";

const PATH = "/test.Test/Stream";

class Stage {
  readonly clock = new VirtualClock();
  readonly heard: string[] = [];
  readonly #server: GrpcServer;
  readonly #clients: RawConnection[] = [];
  #address = "";

  constructor() {
    const method: GrpcMethod = {
      path: PATH,
      messageBytesMax: 100,
      open: (call) => ({
        onMessage: (message) => this.heard.push(Buffer.from(message).toString()),
        onHalfClosed: () => call.end(Status.OK),
        onDrained() {},
        onClosed: () => this.heard.push("closed"),
      }),
    };
    const addresses = [{ host: "127.0.0.1", port: 0 }];
    const system = { clock: this.clock, log: silentLogger };
    this.#server = new GrpcServer({ addresses, tls: null }, [method], system);
  }

  static async start(t: TestContext): Promise<Stage> {
    const stage = new Stage();
    stage.clock.advance(1_000);
    [stage.#address] = (await stage.#server.listen()) as [string];
    t.after(() => {
      for (const { socket } of stage.#clients) socket.destroy();
      stage.#server.close();
    });
    return stage;
  }

  async client(options: RawOptions): Promise<RawConnection> {
    const client = await rawClient(this.#address, options);
    this.#clients.push(client);
    // Acknowledged with what it says next: that has a time limit of its own.
    await eventually("SETTINGS", () => client.frames.length > 0, 5_000);
    return client;
  }

  /** A message on a stream; returns when it has arrived. */
  async say(client: RawConnection, streamId: number, text: string): Promise<void> {
    client.data(streamId, Buffer.from(`\0\0\0\0${String.fromCharCode(text.length)}${text}`));
    await eventually(text, () => this.heard.includes(text), 5_000);
  }

  /** Seconds pass, as the server sees them one after the other. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 1_000) this.clock.advance(1_000);
  }

  get connections(): number {
    return this.#server.figures().connections;
  }
}

const pingsOf = ({ frames }: RawConnection) => frames.filter(({ type }) => type === Type.PING);

test("a client that answers PINGs is left alone, however long it is silent", async (t) => {
  const stage = await Stage.start(t);
  const client = await stage.client({});
  client.headers(1, grpcRequest(PATH));
  await stage.say(client, 1, "first");
  for (let i = 1; i <= 3; i += 1) {
    stage.pass(SERVER_KEEPALIVE_TIME_MS);
    await eventually("a PING", () => pingsOf(client).length === i, 5_000);
    await stage.say(client, 1, `after PING ${i}`);
  }
  assert.equal(stage.connections, 1);
  assert.ok(!stage.heard.includes("closed"));
});

test("one that does not answer is gone: its calls end, and its connection is closed", async (t) => {
  const stage = await Stage.start(t);
  const client = await stage.client({ isPonging: false });
  client.headers(1, grpcRequest(PATH));
  await stage.say(client, 1, "first");
  stage.pass(SERVER_KEEPALIVE_TIME_MS);
  await eventually("a PING", () => pingsOf(client).length === 1, 5_000);
  stage.pass(SERVER_KEEPALIVE_TIMEOUT_MS - 1_000);
  assert.ok(!stage.heard.includes("closed"));
  stage.pass(1_000);
  assert.deepEqual(stage.heard, ["first", "closed"]);
  await eventually("no connection", () => stage.connections === 0, 5_000);
});

test("without a call nobody is asked: the idle timeout is for these", async (t) => {
  const stage = await Stage.start(t);
  const client = await stage.client({});
  client.headers(1, grpcRequest(PATH));
  await stage.say(client, 1, "first");
  client.data(1, "", true);
  await eventually("the end of the call", () => stage.heard.includes("closed"), 5_000);
  stage.pass(3 * SERVER_KEEPALIVE_TIME_MS);
  client.headers(3, grpcRequest(PATH));
  await stage.say(client, 3, "second");
  assert.deepEqual(pingsOf(client), []);
});
