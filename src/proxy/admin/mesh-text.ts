/**
 * Listeners and routes as text: "name::address" lines as Envoy's `/listeners` has them, with more
 * of the kind. Pure functions.
 */
import { visibleLines } from "../../base/index.ts";
import type { ListenerView, RouteView } from "../serving/views.ts";

/** `GET /listeners`. */
export function renderListeners(listeners: readonly ListenerView[]): string {
  const lines = listeners.flatMap(({ name, address, reason, connections, chains }) => [
    address === null ? `${name}::not bound: ${reason}` : `${name}::${address}`,
    `${name}::connections::${connections}`,
    ...chains.map(({ serverNames, tls, routes }) => {
      const names = serverNames.join(",") || "*";
      return `${name}::chain::${names}::${tls ? "tls" : "plaintext"}::${routes} routes`;
    }),
  ]);
  return visibleLines(lines);
}

/** `GET /routes`. */
export function renderRoutes(routes: readonly RouteView[]): string {
  const lines = routes.map(({ listener, domains, match, clusters, mirrors, name, refusal }) => {
    const weights = clusters.map(({ cluster, weight }) => `${cluster}=${weight}`).join(",");
    const copies = mirrors.length === 0 ? "" : ` copies to ${mirrors.join(",")}`;
    const action = refusal === null ? `${weights}${copies}` : `refused: ${refusal}`;
    return `${listener}::${domains.join(",")}::${match}::${action}::${name}`;
  });
  return visibleLines(lines);
}
