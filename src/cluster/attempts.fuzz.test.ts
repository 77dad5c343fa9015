/**
 * Any order of events: calls with retry policies, hedging policies and neither, whose requests are
 * streams, against servers that do anything. Each call ends once; no byte of a request is lost,
 * doubled or credited twice; nothing is left. A failing run prints its seed.
 */
import assert from "node:assert/strict";
import test from "node:test";
import {
  type CallerProbe,
  type ClusterHarness,
  settle,
  withCluster,
} from "../../test/support/cluster.ts";
import {
  grpcRequest,
  type RawConnection,
  type RawServer,
  type RawStream,
} from "../../test/support/raw-http2.ts";
import { type Rng, seededRng } from "../base/index.ts";
import { type MethodConfig, MethodConfigs } from "../grpc/index.ts";
import { replayBytesKept } from "./request-body.ts";

const RUNS = 25;
const STEPS = 60;
const CALLS_MAX = 6;

function configOf(fields: object): MethodConfig {
  return MethodConfigs.parse({ methodConfig: [{ name: [{}], ...fields }] }).find("/a/b");
}

const CONFIGS: readonly MethodConfig[] = [
  configOf({}),
  configOf({
    retryPolicy: {
      ...{ maxAttempts: 4, initialBackoff: "0.05s", maxBackoff: "0.2s", backoffMultiplier: 2 },
      retryableStatusCodes: [14],
    },
  }),
  configOf({ hedgingPolicy: { maxAttempts: 3, hedgingDelay: "0.1s", nonFatalStatusCodes: [14] } }),
  configOf({ hedgingPolicy: { maxAttempts: 2, nonFatalStatusCodes: [] } }),
];

/** A call and what was sent of its request. */
interface Sent {
  readonly probe: CallerProbe;
  text: string;
  isEnd: boolean;
  isCancelled: boolean;
}

/** One run, its calls, and the servers that it plays. */
class Play {
  readonly #harness: ClusterHarness;
  readonly #servers: readonly RawServer[];
  readonly #rng: Rng;
  readonly calls: Sent[] = [];

  constructor(harness: ClusterHarness, servers: readonly RawServer[], rng: Rng) {
    this.#harness = harness;
    this.#servers = servers;
    this.#rng = rng;
  }

  #one<T>(list: readonly T[]): T | undefined {
    return list[this.#rng.int(Math.max(1, list.length))];
  }

  /** Streams that a server may still do something with. */
  #open(): [RawConnection, RawStream][] {
    return this.#servers.flatMap(({ connections }) =>
      connections
        .filter(({ isClosed }) => !isClosed)
        .flatMap((connection) =>
          [...connection.streams.values()]
            .filter((stream) => stream.resetCode === null && !answered.has(stream))
            .map((stream): [RawConnection, RawStream] => [connection, stream]),
        ),
    );
  }

  step(): void {
    const act = this.#rng.int(12);
    if (act < 2) this.#start();
    else if (act < 5) this.#send();
    else if (act < 7) this.#harness.clock.advance(10 + this.#rng.int(120));
    else if (act < 11) this.#serve(this.#rng.int(7));
    else this.#cancel();
  }

  #start(): void {
    if (this.calls.length >= CALLS_MAX) return;
    const list = grpcRequest("/a/b", [["x-call", String(this.calls.length)]]);
    const probe = this.#harness.call({ config: this.#one(CONFIGS)!, list, isEnd: false });
    this.calls.push({ probe, text: "", isEnd: false, isCancelled: false });
  }

  #send(): void {
    const sent = this.#one(this.calls);
    if (sent === undefined || sent.isEnd) return;
    const text = `${sent.text.length},`.repeat(1 + this.#rng.int(40));
    sent.isEnd = this.#rng.int(3) === 0;
    sent.text += text;
    sent.probe.send(text, sent.isEnd);
  }

  #cancel(): void {
    const sent = this.#one(this.calls);
    if (sent === undefined) return;
    sent.probe.call?.cancel(8);
    sent.isCancelled = true;
  }

  #serve(what: number): void {
    const [connection, stream] = this.#one(this.#open()) ?? [];
    if (connection === undefined || stream === undefined) return;
    const head = [[":status", "200"] as const, ["content-type", "application/grpc"] as const];
    const status = what === 0 ? "3" : "14";
    if (what < 4) connection.headers(stream.id, [...head, ["grpc-status", status]], true);
    else if (what === 4) connection.reset(stream.id, this.#rng.int(2) === 0 ? 7 : 2);
    else if (what === 5) connection.respond(stream.id, "0", "good");
    else connection.destroy();
    answered.add(stream);
  }

  /** Whatever a server has of a request is its beginning. */
  check(): void {
    for (const { connections } of this.#servers) {
      for (const stream of connections.flatMap(({ streams }) => [...streams.values()])) {
        const { text, isEnd } = this.calls[Number(stream.get("x-call"))]!;
        const body = stream.body.toString();
        assert.ok(text.startsWith(body), `lost or doubled: ${body.slice(0, 200)}`);
        if (!stream.isEnded) continue;
        assert.ok(isEnd);
        assert.equal(stream.body.toString(), text, "the end comes behind everything");
      }
    }
    for (const { probe, text } of this.calls) assert.ok(probe.creditedBytes <= text.length);
  }

  /** Servers answer all that is left, until every call is over. */
  async finish(): Promise<void> {
    const isOver = ({ probe, isCancelled }: Sent) => {
      return probe.isEnded || probe.isFailed || isCancelled;
    };
    for (const sent of this.calls) {
      if (!sent.isEnd) sent.probe.send("", true);
      sent.isEnd = true;
    }
    for (let i = 0; i < 400 && !this.calls.every(isOver); i += 1) {
      await settle(2);
      for (const [connection, stream] of this.#open()) {
        if (!stream.isEnded) continue;
        connection.respond(stream.id, "0", "good");
        answered.add(stream);
      }
      this.#harness.clock.advance(100);
    }
    assert.ok(this.calls.every(isOver), "each call ends");
    await settle();
  }

  /** What the caller of each call saw is one whole answer, or one failure, or nothing. */
  checkEnds(): void {
    for (const { probe, text } of this.calls) {
      const ends = probe.log.filter((each) => each === "trailers" || each === "failed");
      assert.ok(ends.length <= 1, probe.log.join());
      assert.ok(probe.log.filter((each) => each === "response").length <= 1, probe.log.join());
      if (probe.grpcStatus === "0") assert.equal(probe.body, "good");
      assert.ok(probe.creditedBytes <= text.length);
    }
  }
}

/** Streams that a server has ended. */
const answered = new WeakSet<RawStream>();

const first = Number(process.env.FUZZ_SEED ?? 1);

for (let seed = first; seed < first + RUNS; seed += 1) {
  test(`calls and servers in any order (FUZZ_SEED=${seed})`, async () => {
    const serviceConfig = { fairlead: { retryBudget: null } };
    await withCluster({ serviceConfig, rng: seededRng(seed) }, async (harness) => {
      const servers = await harness.ready(3);
      const play = new Play(harness, servers, seededRng(seed + 1_000));
      for (let i = 0; i < STEPS; i += 1) {
        play.step();
        await settle(1);
        play.check();
      }
      await play.finish();
      play.check();
      play.checkEnds();
      assert.equal(harness.cluster.activeCalls, 0);
      assert.equal(replayBytesKept(), 0);
    });
  });
}
