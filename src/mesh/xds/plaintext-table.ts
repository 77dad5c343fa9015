/**
 * A route table as connections without TLS see it: what hosts that require TLS become there. Envoy
 * redirects such calls (`VirtualHost.require_tls`).
 *
 * The connection counts: `x-forwarded-proto`, which any client can send, is not believed.
 */
import { statusFromHttp } from "../../grpc/index.ts";
import type { Route, RouteTable, VirtualHost } from "../../routes/index.ts";

/** "301 Moved Permanently": Envoy's answer. */
const MOVED = 301;
const made = new WeakMap<RouteTable, RouteTable>();

/** The same table for the same one; itself when no host requires TLS. */
export function plaintextTable(table: RouteTable): RouteTable {
  if (!table.hosts.some(({ requiresTls }) => requiresTls === true)) return table;
  const known = made.get(table);
  if (known !== undefined) return known;
  const hosts = table.hosts.map((host) => {
    return host.requiresTls === true ? { ...host, routes: [redirectOf(host)] } : host;
  });
  const plaintext = { ...table, hosts };
  made.set(table, plaintext);
  return plaintext;
}

function redirectOf({ name }: VirtualHost): Route {
  return {
    name,
    match: {
      path: { kind: "prefix", value: "", ignoresCase: false },
      headers: [],
      perMillion: null,
    },
    action: {
      kind: "refuse",
      status: statusFromHttp(MOVED),
      httpStatus: MOVED,
      reason: "require_tls: calls must come by TLS",
      isMovedToHttps: true,
    },
  };
}
