/**
 * What an xDS server says of a target, for people and programs: its routes, and the resources that
 * all of it comes from. Pure functions.
 */
import type { ResourceStatus, XdsClientStatus } from "../discovery/index.ts";
import type { MeshConfig } from "../mesh/index.ts";
import { type RouteView, renderTable, routeViews } from "../proxy/index.ts";
import { renderConfig } from "./config-rows.ts";
import { ownRows } from "./own-config.ts";

/** One resource as `-o json` prints it. Keys are added, never renamed or dropped. */
export interface ResourceRow {
  /** "LDS", "RDS", "CDS", "EDS", "SDS". */
  readonly type: string;
  readonly name: string;
  readonly state: ResourceStatus["state"];
  /** Of what is in use; null when nothing is. */
  readonly version: string | null;
  /** When it came, ISO 8601. */
  readonly updated: string | null;
  /** Of the newest one, when that was refused. */
  readonly refusedVersion: string | null;
  /** What is wrong, or why there is nothing; null when all is well. */
  readonly reason: string | null;
}

/** What stands beside the endpoints of an `xds` target. */
export interface XdsParts {
  readonly routes: readonly RouteView[];
  readonly resources: readonly ResourceRow[];
}

/** @param config null: none has come. */
export function xdsPartsOf(config: MeshConfig | null, { resources }: XdsClientStatus): XdsParts {
  const chains = (config?.listeners ?? []).flatMap(({ name, chains }) =>
    chains.flatMap(({ serverNames, table }) => routeViews(name, serverNames, table)),
  );
  return { routes: chains, resources: resources.map(rowOf) };
}

function rowOf({ kind, name, state, version, updatedMs, refused, reason }: ResourceStatus) {
  return {
    ...{ type: kind, name, state, reason },
    version: version || null,
    updated: updatedMs === null ? null : new Date(updatedMs).toISOString(),
    refusedVersion: refused?.version ?? null,
  };
}

/** The first thing that is wrong with any of them, in the order in which they were asked for. */
export function troubleOf({ resources }: XdsClientStatus): string | null {
  const found = resources.find(({ state }) => state !== "ACKED");
  return found === undefined ? null : `${found.kind} ${found.name}: ${found.reason}`;
}

const HEADERS = ["TYPE", "RESOURCE", "STATE", "VERSION", "REASON"];
const LEFT: ReadonlySet<string> = new Set();

/** Lines of two tables, each with an empty one before it; what there is none of has no table. */
export function renderXdsParts({ routes, resources }: XdsParts): string[] {
  const lines: string[] = [];
  if (routes.length > 0) {
    const rows = ownRows("routes", { routes })!;
    lines.push("", ...renderConfig("routes", rows, rows.length).trimEnd().split("\n"));
  }
  if (resources.length > 0) {
    const rows = resources.map(({ type, name, state, version, reason }) => {
      return [type, name, state, version ?? "-", reason ?? "-"];
    });
    lines.push("", ...renderTable(HEADERS, LEFT, rows));
  }
  return lines;
}
