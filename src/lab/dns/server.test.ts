/** Tests of the DNS server on its sockets: UDP, TCP, EDNS0, truncation, faults and nonsense. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import {
  type DecodedPacket as Decoded,
  decode,
  encode,
  type Packet,
  RECURSION_DESIRED,
  streamDecode,
  streamEncode,
} from "dns-packet";
import { realClock, VirtualClock } from "../../base/index.ts";
import { LabDns, type LabDnsDeps } from "./index.ts";
import { ListZone, newSlice, podsOf } from "./zone.fixture.ts";

/** The library tells more than its types say. */
type DecodedPacket = Decoded & { readonly rcode: string };

const NAME = "echo.prod.svc.cluster.local";

async function setup(podCount: number, deps: Partial<LabDnsDeps> = {}) {
  const zone = new ListZone();
  zone.add("prod/echo", {}, newSlice(podsOf(podCount)));
  const asked: string[] = [];
  const dns = new LabDns({
    clock: realClock(),
    zone,
    onQuestion: ({ type, name }, transport) => asked.push(`${transport} ${type} ${name}`),
    ...deps,
  });
  const port = Number((await dns.listen()).split(":")[1]);
  return { zone, dns, asked, port };
}

/** A query about `NAME` for A records. */
const query = (more: Partial<Packet> = {}): Packet => ({
  type: "query",
  id: 7,
  flags: RECURSION_DESIRED,
  questions: [{ type: "A", name: NAME }],
  ...more,
});

/** With EDNS0: a client that takes so many bytes. */
const opt = (udpPayloadSize: number): Packet["additionals"] => [
  // The library writes what its types do not know how to say.
  { type: "OPT", name: ".", udpPayloadSize, flags: 0, options: [] } as never,
];

/** Sends bytes over UDP and returns the first answer, or null after a while of silence. */
async function askUdp(port: number, bytes: Buffer): Promise<Buffer | null> {
  const socket = createSocket("udp4");
  try {
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect");
    const answer = once(socket, "message").then(([message]) => message as Buffer);
    const silence = new Promise<null>((resolve) => {
      realClock()
        .setTimer(100, () => resolve(null))
        .unref();
    });
    socket.send(bytes);
    return await Promise.race([answer, silence]);
  } finally {
    socket.close();
  }
}

/** Sends bytes over TCP in two pieces, and returns as many answers as were asked for. */
async function askTcp(port: number, bytes: Buffer, count: number): Promise<DecodedPacket[]> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(bytes.subarray(0, 5));
  socket.write(bytes.subarray(5));
  const answers: DecodedPacket[] = [];
  let held = Buffer.alloc(0);
  for await (const piece of socket) {
    held = Buffer.concat([held, piece]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0);
      answers.push(streamDecode(held.subarray(0, end)) as DecodedPacket);
      held = held.subarray(end);
    }
    if (answers.length === count) break;
  }
  return answers;
}

const decoded = (bytes: Buffer | null): DecodedPacket => {
  assert.notEqual(bytes, null, "an answer");
  return decode(bytes!) as DecodedPacket;
};

test("an answer over UDP carries the question, its id, and is authoritative", async () => {
  const { dns, port, asked } = await setup(3);
  const answer = decoded(await askUdp(port, encode(query())));
  assert.equal(answer.id, 7);
  assert.equal(answer.type, "response");
  assert.equal(answer.rcode, "NOERROR");
  assert.deepEqual([answer.flag_aa, answer.flag_rd, answer.flag_tc], [true, true, false]);
  assert.equal(answer.questions?.[0].name, NAME);
  assert.equal(answer.answers?.length, 3);
  assert.deepEqual(answer.additionals, []);
  assert.deepEqual(asked, [`udp A ${NAME}`]);
  await dns.close();
});

test("what does not fit into 512 bytes is left out and marked; EDNS0 makes room", async () => {
  const { dns, port } = await setup(20);
  const small = await askUdp(port, encode(query()));
  assert.ok(small !== null && small.length <= 512 && small.length > 450, `${small?.length}`);
  assert.equal(decoded(small).flag_tc, true);
  const large = decoded(await askUdp(port, encode(query({ additionals: opt(1232) }))));
  assert.equal(large.flag_tc, false);
  assert.equal(large.answers?.length, 20);
  assert.deepEqual(
    large.additionals?.map((each) => each.type),
    ["OPT"],
  );
  const tiny = decoded(await askUdp(port, encode(query({ additionals: opt(40) }))));
  assert.equal(tiny.flag_tc, true, "less than 512 counts as 512");
  await dns.close();
});

test("a thousand pods fit into one answer over TCP; two queries in pieces get two answers", async () => {
  const { dns, port } = await setup(1000);
  const two = Buffer.concat([streamEncode(query()), streamEncode(query({ id: 8 }))]);
  const answers = await askTcp(port, two, 2);
  assert.deepEqual(
    answers.map(({ id, flag_tc, answers: records }) => [id, flag_tc, records?.length]),
    [
      [7, false, 1000],
      [8, false, 1000],
    ],
  );
  await dns.close();
});

test("over TCP too an answer ends at 65,535 bytes, marked", async () => {
  const { dns, port } = await setup(3000);
  const [answer] = await askTcp(port, streamEncode(query()), 1);
  assert.equal(answer.flag_tc, true);
  assert.ok((answer.answers?.length ?? 0) > 1000);
  await dns.close();
});

test("faults on command, for all questions or some, and none again", async () => {
  const { dns, port } = await setup(2);
  const rcode = async (more: Partial<Packet> = {}) => {
    const bytes = await askUdp(port, encode(query(more)));
    return bytes === null ? "silence" : decoded(bytes).rcode;
  };
  dns.faults = [{ kind: "servfail" }];
  assert.equal(await rcode(), "SERVFAIL");
  dns.faults = [{ kind: "refused", name: NAME, type: "A" }];
  assert.equal(await rcode(), "REFUSED");
  assert.equal(await rcode({ questions: [{ type: "AAAA", name: NAME }] }), "NOERROR");
  assert.equal(await rcode({ questions: [{ type: "A", name: "cluster.local" }] }), "NOERROR");
  dns.faults = [{ kind: "timeout" }];
  assert.equal(await rcode(), "silence");
  dns.faults = [{ kind: "truncate" }];
  const answer = decoded(await askUdp(port, encode(query())));
  assert.deepEqual([answer.flag_tc, answer.answers?.length], [true, 0]);
  assert.equal((await askTcp(port, streamEncode(query()), 1))[0].answers?.length, 2);
  dns.faults = [];
  assert.equal(await rcode(), "NOERROR");
  await dns.close();
});

test("a slow answer comes when its time has come, and none after the end", async () => {
  const clock = new VirtualClock();
  const { dns, port } = await setup(2, { clock });
  dns.faults = [{ kind: "slow", delayMs: 3000 }];
  const answer = askUdp(port, encode(query()));
  while (clock.pendingCount === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(3000);
  assert.equal(decoded(await answer).answers?.length, 2);
  assert.equal(await askUdp(port, encode(query())), null);
  assert.equal(clock.pendingCount, 1);
  await dns.close();
  assert.equal(clock.pendingCount, 0);
});

test("nonsense gets a word where it can be given one, and harms nobody", async () => {
  const { dns, port } = await setup(2);
  const broken = encode(query()).subarray(0, 20);
  assert.equal(decoded(await askUdp(port, broken)).rcode, "FORMERR");
  assert.equal(decoded(await askUdp(port, encode(query({ questions: [] })))).rcode, "FORMERR");
  const update = encode(query({ flags: 5 << 11 }));
  assert.equal(decoded(await askUdp(port, update)).rcode, "NOTIMP");
  assert.equal(await askUdp(port, Buffer.from("hello")), null);
  assert.equal(await askUdp(port, encode({ ...query(), type: "response" })), null);
  assert.equal(decoded(await askUdp(port, encode(query()))).rcode, "NOERROR");
  await dns.close();
});

test("the port is free after the end, and one that is taken is told", async () => {
  const { dns, port } = await setup(1);
  const other = new LabDns({ clock: realClock(), zone: new ListZone() });
  await assert.rejects(other.listen("127.0.0.1", port), { code: "EADDRINUSE" });
  await dns.close();
  assert.equal(await other.listen("127.0.0.1", port), `127.0.0.1:${port}`);
  await other.close();
  assert.match(await other.listen("::1"), /^\[::1\]:\d+$/);
  await other.close();
});
