/** Tests of reports of load, with calls and out of band: gRFC A51, and A58 where it uses them. */
import assert from "node:assert/strict";
import test from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type ClusterHarness, settle, withCluster } from "../../test/support/cluster.ts";
import { callOf, callsOf, framedBytes } from "../../test/support/health.ts";
import { eventually, type Pairs, type RawServer } from "../../test/support/raw-http2.ts";
import type { LoadReport } from "../balancing/index.ts";
import { seededRng } from "../base/index.ts";
import { BACKOFF_MS_FIRST } from "./backoff.ts";
import { REPORT_KEY, REPORTS_PATH } from "./load-reports.ts";
import { decodeLoadReport, encodeReportRequest, LOAD_REPORT_ENTRIES_MAX } from "./orca-messages.ts";
import { parseServiceConfig } from "./service-config.ts";

const PATH = "/echo.Echo/Say";

/** By the numbers of `orca_load_report.proto`. */
function reportBytes(fields: Partial<LoadReport>): Uint8Array {
  const writer = new BinaryWriter();
  const double = (field: number, value: number | undefined): void => {
    if (value !== undefined) writer.tag(field, WireType.Bit64).double(value);
  };
  const map = (field: number, entries: ReadonlyMap<string, number> | undefined): void => {
    for (const [key, value] of entries ?? []) {
      writer.tag(field, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.LengthDelimited).string(key);
      writer.tag(2, WireType.Bit64).double(value);
      writer.join();
    }
  };
  double(1, fields.cpuUtilization);
  double(2, fields.memUtilization);
  writer.tag(3, WireType.Varint).uint64(77);
  map(4, new Map([["cost", 3]]));
  map(5, fields.utilization);
  double(6, fields.qps);
  double(7, fields.eps);
  map(8, fields.namedMetrics);
  double(9, fields.applicationUtilization);
  return writer.finish();
}

function configOf(fields: object = {}, policy = "weighted_round_robin") {
  return parseServiceConfig({
    loadBalancingConfig: [{ [policy]: { blackoutPeriod: "0s", ...fields } }],
  });
}

function using(fields: object = {}, policy = "weighted_round_robin") {
  const rng = { next: () => 0.5, int: () => 0 };
  return { rng, config: { serviceConfig: configOf(fields, policy) } };
}

/** One call, answered with these trailers. */
async function callWith(harness: ClusterHarness, servers: readonly RawServer[], trailers: Pairs[]) {
  const probe = harness.call();
  const [connection, stream, at] = await eventually("the call", () => {
    for (const [i, server] of servers.entries()) {
      for (const connection of server.connections) {
        for (const stream of connection.streams.values()) {
          if (stream.get(":path") === PATH && !answered.has(stream)) return [connection, stream, i];
        }
      }
    }
    return null;
  });
  answered.add(stream);
  connection.headers(stream.id, [
    [":status", "200"],
    ["content-type", "application/grpc"],
  ]);
  connection.headers(stream.id, [["grpc-status", "0"], ...(trailers[at] ?? [])], true);
  await probe.over();
  return at;
}
const answered = new WeakSet<object>();

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

test("A51: a report is read field by field", () => {
  const report: LoadReport = {
    cpuUtilization: 1.5,
    memUtilization: 0.25,
    applicationUtilization: 0.75,
    qps: 123.5,
    eps: 2.5,
    utilization: new Map([["disk", 0.5]]),
    namedMetrics: new Map([
      ["queue", 7],
      ["überlast", -1],
    ]),
  };
  assert.deepEqual(decodeLoadReport(reportBytes(report)), report);
});

test("a report that says nothing is all zeros", () => {
  const report = decodeLoadReport(new Uint8Array())!;
  assert.deepEqual([report.cpuUtilization, report.qps, report.namedMetrics.size], [0, 0, 0]);
});

test("loads that are no loads count as not said", () => {
  for (const odd of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    const bytes = reportBytes({
      cpuUtilization: odd,
      qps: odd,
      namedMetrics: new Map([["a", odd]]),
    });
    const report = decodeLoadReport(bytes)!;
    assert.deepEqual([report.cpuUtilization, report.qps], [0, 0]);
    assert.equal(report.namedMetrics.has("a"), odd === -1);
  }
});

test("of named values only so many are kept", () => {
  const many = new Map(Array.from({ length: 5_000 }, (_, i) => [`m${i}`, i]));
  const report = decodeLoadReport(reportBytes({ namedMetrics: many }))!;
  assert.equal(report.namedMetrics.size, LOAD_REPORT_ENTRIES_MAX);
});

test("bytes of any kind are a report or none, and never throw", () => {
  const rng = seededRng(11);
  const good = reportBytes({ cpuUtilization: 1, qps: 2, namedMetrics: new Map([["a", 1]]) });
  let nones = 0;
  for (let i = 0; i < 20_000; i += 1) {
    const bytes = Uint8Array.from(good.subarray(0, 1 + rng.int(good.length)));
    for (let k = rng.int(4); k > 0; k -= 1) bytes[rng.int(bytes.length)] = rng.int(256);
    if (decodeLoadReport(bytes) === null) nones += 1;
  }
  assert.ok(nones > 5_000 && nones < 20_000, `${nones}`);
});

test("the request says the interval as a Duration", () => {
  const hex = (ms: number) => Buffer.from(encodeReportRequest(ms)).toString("hex");
  assert.equal(hex(10_000), "0a02080a");
  assert.equal(hex(1_500), "0a0808011080cab5ee01");
  assert.equal(hex(0), "0a00");
});

test("A51, A58: reports with the trailers of calls make weights", async () => {
  await withCluster(using(), async (harness) => {
    const servers = await harness.ready(2);
    const report = (qps: number): Pairs => [
      [REPORT_KEY, base64(reportBytes({ qps, cpuUtilization: 1 }))],
    ];
    const trailers = [report(300), report(100)];
    for (let i = 0; i < 4; i += 1) await callWith(harness, servers, trailers);
    harness.clock.advance(1_000);
    const counts = [0, 0];
    for (let i = 0; i < 40; i += 1) counts[await callWith(harness, servers, trailers)]! += 1;
    assert.deepEqual(counts, [30, 10]);
    assert.equal(harness.metric("grpc_lb_wrr_endpoint_weight_stale_total"), 0);
    assert.ok(harness.metric("grpc_lb_wrr_rr_fallback_total") >= 1, "before there were reports");
    assert.ok(harness.metric("grpc_lb_wrr_endpoint_weight_not_yet_usable_total") >= 2);
  });
});

test("A51: a report in a response of trailers alone counts too", async () => {
  await withCluster(using(), async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server!.next();
    const probe = harness.call();
    const { stream } = await callOf(connection, PATH);
    const value = base64(reportBytes({ qps: 8, cpuUtilization: 1 }));
    connection.headers(
      stream.id,
      [
        [":status", "200"],
        ["content-type", "application/grpc"],
        ["grpc-status", "5"],
        [REPORT_KEY, value],
      ],
      true,
    );
    await probe.over();
    const { load } = harness.cluster.subchannels[0]! as { load: { weight: number } | null };
    assert.equal(load!.weight, 8);
  });
});

test("a report that is none leaves the call as it is", async () => {
  await withCluster(using(), async (harness) => {
    const servers = await harness.ready(1);
    for (const value of ["", "!!!!", base64(Buffer.from([0x09, 1])), "AAAA,BBBB"]) {
      await callWith(harness, servers, [[[REPORT_KEY, value]]]);
    }
    const { load } = harness.cluster.subchannels[0]! as { load: { weight: number } | null };
    assert.equal(load!.weight, 0);
  });
});

test("A58: with out of band reports those of calls are not looked at", async () => {
  await withCluster(using({ enableOobLoadReport: true }), async (harness) => {
    const servers = await harness.ready(1);
    const value = base64(reportBytes({ qps: 8, cpuUtilization: 1 }));
    await callWith(harness, servers, [[[REPORT_KEY, value]]]);
    const { load } = harness.cluster.subchannels[0]! as { load: { weight: number } | null };
    assert.equal(load!.weight, 0);
  });
});

test("A51: out of band, a stream asks as soon as the endpoint is connected, and calls do not wait", async () => {
  const options = using({ enableOobLoadReport: true, oobReportingPeriod: "3s" });
  await withCluster(options, async (harness) => {
    const servers = await harness.ready(2);
    const calls = await Promise.all(
      servers.map(async (server) => callOf(await server.next(), REPORTS_PATH)),
    );
    assert.equal(calls[0]!.message.toString("hex"), "0a020803");
    for (const [i, call] of calls.entries()) {
      call.send(framedBytes(reportBytes({ qps: i === 0 ? 100 : 300, cpuUtilization: 1 })));
      await call.connection.roundTrip();
    }
    harness.clock.advance(1_000);
    const counts = [0, 0];
    for (let i = 0; i < 40; i += 1) counts[await callWith(harness, servers, [])]! += 1;
    assert.deepEqual(counts, [10, 30]);
    assert.equal(harness.metric("fairlead_lb_picks_total"), 40, "the streams are no calls");
  });
});

test("A51: UNIMPLEMENTED is not asked again on the connection, and is told once", async () => {
  await withCluster(using({ enableOobLoadReport: true }), async (harness) => {
    const servers = await harness.ready(2);
    const connections = await Promise.all(servers.map((server) => server.next()));
    for (const each of connections) (await callOf(each, REPORTS_PATH)).end(12);
    await harness.pass(120_000);
    for (const each of connections) assert.equal(callsOf(each, REPORTS_PATH).length, 1);
    const warnings = harness.log.entries.filter(({ level }) => level === "warn");
    assert.deepEqual(
      warnings.map(({ msg }) => msg),
      [
        "endpoint does not implement xds.service.orca.v3.OpenRcaService/StreamCoreMetrics: " +
          "its weight is the mean",
      ],
    );
    harness.clock.advance(2_000);
    connections[0]!.destroy();
    await callOf(await servers[0]!.next(), REPORTS_PATH);
  });
});

test("A51: any other status is tried again with backoff, the first time at once after a report", async () => {
  await withCluster(using({ enableOobLoadReport: true }), async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server!.next();
    (await callOf(connection, REPORTS_PATH)).end(14);
    await settle();
    assert.equal(callsOf(connection, REPORTS_PATH).length, 1);
    harness.clock.advance(BACKOFF_MS_FIRST);
    const second = await callOf(connection, REPORTS_PATH, 2);
    second.send(framedBytes(reportBytes({ qps: 1, cpuUtilization: 1 })));
    await connection.roundTrip();
    harness.clock.advance(2_000);
    second.end(14);
    await callOf(connection, REPORTS_PATH, 3);
    assert.equal(harness.states("READY").length, 1, "its calls never waited");
  });
});

test("A51: another interval is another stream; without reports there is none", async () => {
  await withCluster(using({ enableOobLoadReport: true }), async (harness) => {
    const [server] = await harness.ready(1);
    const connection = await server!.next();
    const first = await callOf(connection, REPORTS_PATH);
    harness.cluster.reconfigure(configOf({ enableOobLoadReport: true, oobReportingPeriod: "5s" }));
    const second = await callOf(connection, REPORTS_PATH, 2);
    assert.equal(first.isReset, true);
    assert.equal(second.message.toString("hex"), "0a020805");
    harness.cluster.reconfigure(
      configOf({ enableOobLoadReport: true, oobReportingPeriod: "5s", blackoutPeriod: "1s" }),
    );
    await connection.roundTrip();
    assert.equal(second.isReset, false, "the rest of the parameters does not concern it");
    harness.cluster.reconfigure(configOf({}));
    await eventually("ended", () => second.isReset);
    assert.equal(callsOf(connection, REPORTS_PATH).length, 2);
  });
});

test("policies that use no reports do not look for them", async () => {
  await withCluster(using({}, "round_robin"), async (harness) => {
    const servers = await harness.ready(1);
    let ends = 0;
    harness.cluster.subchannels[0]!.load = {
      onAnswered: () => {},
      onEnded: () => {
        ends += 1;
      },
      onReport: () => assert.fail("nobody asked for it"),
    };
    const value = base64(reportBytes({ qps: 8, cpuUtilization: 1 }));
    await callWith(harness, servers, [[[REPORT_KEY, value]]]);
    assert.equal(ends, 1);
  });
});
