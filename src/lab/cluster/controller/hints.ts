/**
 * Hints of endpoints, from the Service's `trafficDistribution`: the endpoint's own zone, and for
 * PreferSameNode its own node (k8s.io/endpointslice/trafficdist).
 */
import type { Json } from "../../../base/index.ts";

const PREFERENCES = ["PreferClose", "PreferSameZone", "PreferSameNode"];

/** The endpoint with the hints it should have; only a ready one has any. */
export function withHints(endpoint: Json, trafficDistribution: unknown): Json {
  const { hints: _hints, ...rest } = endpoint;
  const { ready } = endpoint.conditions as { readonly ready?: boolean };
  if (!PREFERENCES.includes(String(trafficDistribution)) || ready !== true) return rest;
  const forZones = endpoint.zone === undefined ? {} : { forZones: [{ name: endpoint.zone }] };
  const hasNodes = trafficDistribution === "PreferSameNode" && endpoint.nodeName !== undefined;
  const forNodes = hasNodes ? { forNodes: [{ name: endpoint.nodeName }] } : {};
  const hints = { ...forZones, ...forNodes };
  return Object.keys(hints).length === 0 ? rest : { ...rest, hints };
}
