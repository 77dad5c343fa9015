/** Tests of clients that attack: the connection is cut with a reason, and nobody else suffers. */
import assert from "node:assert/strict";
import test from "node:test";
import { withProxy } from "../../test/support/proxy.ts";
import {
  encodePairs,
  eventually,
  Flags,
  grpcRequest,
  type RawConnection,
  type RawStream,
  Type,
  uint32,
} from "../../test/support/raw-http2.ts";
import { limits } from "../http2/index.ts";

const ENHANCE_YOUR_CALM = 11;
const COMPRESSION_ERROR = 9;

/** More than any budget of a connection. */
const MANY = 20_000;

/** Something that a client does again and again, at most `MANY` times. */
interface Attack {
  readonly name: string;
  readonly code: number;
  readonly reason: RegExp;
  /** Once per turn. */
  readonly step: (client: RawConnection, i: number) => void;
}

function open(client: RawConnection, i: number): number {
  const id = 2 * i + 1;
  client.headers(id, grpcRequest(), false);
  return id;
}

const ATTACKS: readonly Attack[] = [
  {
    name: "rapid reset (CVE-2023-44487)",
    code: ENHANCE_YOUR_CALM,
    reason: /too many glitches, the last: streams reset at once/,
    step: (client, i) => client.reset(open(client, i), 8),
  },
  {
    name: "MadeYouReset by WINDOW_UPDATE of 0 (CVE-2025-8671)",
    code: ENHANCE_YOUR_CALM,
    reason: /too many glitches|too many unread answers/,
    step: (client, i) => client.windowUpdate(open(client, i), 0),
  },
  {
    name: "MadeYouReset by window overflow (CVE-2025-8671)",
    code: ENHANCE_YOUR_CALM,
    reason: /too many glitches|too many unread answers/,
    step: (client, i) => client.windowUpdate(open(client, i), 0x7fffffff),
  },
  {
    name: "malformed requests",
    code: ENHANCE_YOUR_CALM,
    reason: /too many glitches|too many unread answers/,
    step: (client, i) => client.headers(2 * i + 1, [...grpcRequest(), ["X-Up", "1"]], true),
  },
  {
    name: "PING flood (CVE-2019-9512)",
    code: ENHANCE_YOUR_CALM,
    reason: /too many (PINGs|unread answers to PING)/,
    step: (client) => client.send(Type.PING, 0, 0, Buffer.alloc(8)),
  },
  {
    name: "SETTINGS flood (CVE-2019-9515)",
    code: ENHANCE_YOUR_CALM,
    reason: /too many (glitches|unread answers to SETTINGS)/,
    step: (client) => client.settings([[4, 70_000]]),
  },
  {
    name: "empty DATA frames (CVE-2019-9518)",
    code: ENHANCE_YOUR_CALM,
    reason: /too many glitches, the last: empty DATA frames/,
    step(client, i) {
      if (i === 0) open(client, 0);
      client.send(Type.DATA, 0, 1);
    },
  },
  {
    name: "frames of unknown types",
    code: ENHANCE_YOUR_CALM,
    reason: /too many glitches, the last: frames of unknown types/,
    step: (client) => client.send(0x42, 0, 0, Buffer.from("what is this?")),
  },
  {
    name: "PRIORITY flood",
    code: ENHANCE_YOUR_CALM,
    reason: /too many glitches, the last: PRIORITY frames/,
    step: (client, i) => client.send(Type.PRIORITY, 0, 2 * i + 1, Buffer.alloc(5)),
  },
  {
    name: "CONTINUATION flood (CVE-2024-27316)",
    code: ENHANCE_YOUR_CALM,
    reason: /a header block with too many or too large frames/,
    step(client, i) {
      const type = i === 0 ? Type.HEADERS : Type.CONTINUATION;
      client.send(type, 0, 1, encodePairs([["x", "y"]]));
    },
  },
  {
    name: "an HPACK index past the table",
    code: COMPRESSION_ERROR,
    reason: /a header block that cannot be decoded/,
    step: (client) => client.send(Type.HEADERS, Flags.END_HEADERS, 1, Buffer.from([0xff, 0x7f])),
  },
  {
    name: "GOAWAY flood",
    code: ENHANCE_YOUR_CALM,
    reason: /too many glitches, the last: GOAWAY/,
    step: (client) => client.goAway(0),
  },
];

for (const attack of ATTACKS) {
  test(`${attack.name}: that connection is cut, others are served`, async () => {
    await withProxy(1, async (harness, [upstream]) => {
      const honest = await harness.client();
      await honest.roundTrip();
      const attacker = await harness.client();
      for (let i = 0; i < MANY && !attacker.isEnded && !attacker.isClosed; i += 1) {
        attack.step(attacker, i);
        if (i % 50 === 49) await new Promise(setImmediate);
      }
      const goAway = await attacker.frame(Type.GOAWAY);
      assert.equal(goAway.payload.readUInt32BE(4), attack.code);
      assert.match(goAway.payload.subarray(8).toString(), attack.reason);
      await attacker.closed();
      const line = harness.log.entries.find(({ msg }) => msg === "connection cut");
      assert.match(String(line?.fields.reason), attack.reason);
      assert.equal(harness.metric("fairlead_downstream_connections_cut_total"), 1);
      await eventually("its calls are gone", () => harness.activeCalls === 0);
      await answerNew(honest, upstream);
    });
  });
}

/** One call of `client` is answered, whatever else reached the server before. */
async function answerNew(client: RawConnection, upstream: RawConnection): Promise<void> {
  const call = client.request(grpcRequest("/honest/Call"));
  const stream = await eventually("the honest call", () =>
    [...upstream.streams.values()].find((each) => each.get(":path") === "/honest/Call"),
  );
  upstream.respond(stream.id);
  await eventually("the answer", () => call.isEnded);
  assert.equal(call.get("grpc-status"), "0");
}

test("a busy honest client that cancels a lot is never cut", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    let cancelled = 0;
    for (let i = 0; i < 300; i += 1) {
      const calls: RawStream[] = [];
      for (let k = 0; k < 20; k += 1) calls.push(client.request(grpcRequest(), k % 2 === 0));
      for (const [k, call] of calls.entries()) {
        if (k % 2 === 0) continue;
        client.reset(call.id, 8);
        cancelled += 1;
      }
      for (let k = 0; k < 20; k += 1) {
        const stream = await upstream.nextStream();
        upstream.respond(stream.id);
      }
      await eventually("ten are served", () =>
        calls.every((call, k) => k % 2 === 1 || call.isEnded),
      );
    }
    assert.ok(cancelled > 2 * limits.GLITCHES_MAX, `${cancelled} cancelled`);
    assert.equal(client.isEnded || client.isClosed, false);
    assert.equal(harness.metric("fairlead_downstream_connections_cut_total"), 0);
    await client.roundTrip();
  });
});

test("a settings frame with hundreds of entries ends the connection", async () => {
  await withProxy(1, async (harness) => {
    const client = await harness.client();
    client.settings(Array.from({ length: 400 }, (_, i) => [0x1000 + i, 1] as const));
    const goAway = await client.frame(Type.GOAWAY);
    assert.equal(goAway.payload.readUInt32BE(4), ENHANCE_YOUR_CALM);
    await client.closed();
  });
});

test("a header block that never ends is given up in time", async () => {
  await withProxy(1, async (harness) => {
    const client = await harness.client();
    await client.roundTrip();
    client.send(Type.HEADERS, 0, 1, encodePairs(grpcRequest()));
    await harness.pass(limits.HEADER_BLOCK_TIMEOUT_MS + 2_000);
    const goAway = await client.frame(Type.GOAWAY);
    assert.match(goAway.payload.subarray(8).toString(), /header block was not completed in time/);
    await client.closed();
  });
});

test("a client that never speaks is given up in time", async () => {
  await withProxy(1, async (harness) => {
    const { connect } = await import("node:net");
    const [host, port] = harness.address.split(":");
    const socket = connect(Number(port), host);
    await eventually("accepted", () => harness.metric("fairlead_downstream_connections") === 1);
    socket.resume();
    await harness.pass(limits.PREFACE_TIMEOUT_MS + 3_000);
    await eventually("closed", () => harness.metric("fairlead_downstream_connections") === 0);
    socket.destroy();
  });
});

test("a stream error of ours is charged, but the client may go on", async () => {
  await withProxy(1, async (harness, [upstream]) => {
    const client = await harness.client();
    const call = client.request(grpcRequest(), false);
    await upstream.nextStream();
    client.send(Type.WINDOW_UPDATE, 0, call.id, uint32(0));
    await eventually("reset", () => call.resetCode !== null);
    await answerNew(client, upstream);
  });
});
