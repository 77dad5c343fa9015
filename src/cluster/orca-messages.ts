/**
 * The messages of ORCA, mapped by hand: `xds.data.orca.v3.OrcaLoadReport` and the request for them
 * out of band. gRFC A51.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { LoadReport } from "../balancing/index.ts";

/** Named values that are kept of each map in a report; more are passed over. */
export const LOAD_REPORT_ENTRIES_MAX = 64;

const NO_ENTRIES: ReadonlyMap<string, number> = new Map();

/** The bytes of an `OrcaLoadReportRequest`; its only field used is `report_interval`. */
export function encodeReportRequest(periodMs: number): Uint8Array {
  const seconds = Math.floor(periodMs / 1_000);
  const nanos = Math.round((periodMs - seconds * 1_000) * 1_000_000);
  const duration = new BinaryWriter();
  if (seconds > 0) duration.tag(1, WireType.Varint).int64(seconds);
  if (nanos > 0) duration.tag(2, WireType.Varint).int32(nanos);
  const writer = new BinaryWriter();
  return writer.tag(1, WireType.LengthDelimited).bytes(duration.finish()).finish();
}

/** A report while it is being read. */
interface Report {
  cpuUtilization: number;
  memUtilization: number;
  applicationUtilization: number;
  qps: number;
  eps: number;
  utilization: ReadonlyMap<string, number>;
  namedMetrics: ReadonlyMap<string, number>;
}

/** The report in some bytes; null when they are none. */
export function decodeLoadReport(bytes: Uint8Array): LoadReport | null {
  const report: Report = {
    cpuUtilization: 0,
    memUtilization: 0,
    applicationUtilization: 0,
    qps: 0,
    eps: 0,
    utilization: NO_ENTRIES,
    namedMetrics: NO_ENTRIES,
  };
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) readField(reader, report);
    return report;
  } catch {
    return null; // the library throws at bytes that end too soon
  }
}

/** The numbers of `orca_load_report.proto`; `rps` (3), a whole number, is of the past. */
function readField(reader: BinaryReader, report: Report): void {
  const [field, type] = reader.tag();
  if (type === WireType.Bit64) {
    const value = loadOf(reader.double());
    if (field === 1) report.cpuUtilization = value;
    else if (field === 2) report.memUtilization = value;
    else if (field === 6) report.qps = value;
    else if (field === 7) report.eps = value;
    else if (field === 9) report.applicationUtilization = value;
  } else if (field === 5 && type === WireType.LengthDelimited) {
    report.utilization = withEntry(report.utilization, reader.bytes());
  } else if (field === 8 && type === WireType.LengthDelimited) {
    report.namedMetrics = withEntry(report.namedMetrics, reader.bytes());
  } else reader.skip(type, field);
}

/** A load is a finite number, 0 or more: anything else says nothing. */
function loadOf(value: number): number {
  return value > 0 && value < Number.POSITIVE_INFINITY ? value : 0;
}

function withEntry(
  entries: ReadonlyMap<string, number>,
  bytes: Uint8Array,
): ReadonlyMap<string, number> {
  const reader = new BinaryReader(bytes);
  let key = "";
  let value = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.LengthDelimited) key = reader.string();
    else if (field === 2 && type === WireType.Bit64) value = reader.double();
    else reader.skip(type, field);
  }
  const map = entries === NO_ENTRIES ? new Map<string, number>() : (entries as Map<string, number>);
  if (map.size < LOAD_REPORT_ENTRIES_MAX && Number.isFinite(value)) map.set(key, value);
  return map;
}
