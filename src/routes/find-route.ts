/**
 * The search of a route table: which route a call takes.
 *
 * A table is made ready once. What an authority belongs to, and which routes of a virtual host
 * meet a path, are found out once for each and remembered, because calls repeat them: then a call
 * costs two look-ups, and what its route asks of headers. Callers choose authorities and paths, so
 * what is remembered is bounded, and forgotten as a whole when it is full.
 */
import type { Rng } from "../base/index.ts";
import { DomainMap } from "./domains.ts";
import { matchesHeaders, matchesPath, type RequestHeaders } from "./match.ts";
import type { Route, RouteTable, VirtualHost } from "./table.ts";

/** Authorities and paths that one finder remembers. */
export const REMEMBERED_MAX = 4_096;
/** A longer authority or path is not remembered. */
export const REMEMBERED_CHARS_MAX = 256;

const MILLION = 1_000_000;

/** Routes of a virtual host, by path once one was asked for. */
class Host {
  readonly routes: readonly Route[];
  readonly byPath = new Map<string, readonly Route[]>();

  constructor({ routes }: VirtualHost) {
    this.routes = routes;
  }
}

/** Finds routes of one table. */
export class RouteFinder {
  readonly table: RouteTable;
  readonly #domains: DomainMap<Host>;
  readonly #byAuthority = new Map<string, Host | null>();
  readonly #hosts: readonly Host[];
  #rememberedCount = 0;

  constructor(table: RouteTable) {
    this.table = table;
    this.#domains = new DomainMap(table.ports);
    this.#hosts = table.hosts.map((host) => new Host(host));
    for (const [i, { domains }] of table.hosts.entries()) {
      for (const domain of domains) this.#domains.add(domain, this.#hosts[i]);
    }
  }

  /**
   * The first route that a call matches, or null: then the call is to be refused, gRPC's with
   * UNIMPLEMENTED and others with 404 (Gateway API).
   *
   * @param authority with a port or without one, in any case.
   * @param path may have a query, which is not looked at.
   * @param rng decides for routes that take a share of calls.
   */
  find(authority: string, path: string, headers: RequestHeaders, rng: Rng): Route | null {
    const host = this.#hostOf(authority);
    if (host === null) return null;
    for (const route of host.byPath.get(path) ?? this.#routesOf(host, path)) {
      const { match } = route;
      if (match.headers.length > 0 && !matchesHeaders(match.headers, headers)) continue;
      if (match.perMillion !== null && rng.int(MILLION) >= match.perMillion) continue;
      return route;
    }
    return null;
  }

  /** Whether the table says anything of it. */
  hasHost(authority: string): boolean {
    return this.#hostOf(authority) !== null;
  }

  /** Authorities and paths that are remembered now. */
  get rememberedCount(): number {
    let count = this.#byAuthority.size;
    for (const { byPath } of this.#hosts) count += byPath.size;
    return count;
  }

  #hostOf(authority: string): Host | null {
    const known = this.#byAuthority.get(authority);
    if (known !== undefined) return known;
    const host = this.#domains.find(authority);
    if (this.#mayRemember(authority)) this.#byAuthority.set(authority, host);
    return host;
  }

  #routesOf(host: Host, path: string): readonly Route[] {
    const query = path.indexOf("?");
    const bare = query === -1 ? path : path.slice(0, query);
    const routes = host.routes.filter(({ match }) => matchesPath(match.path, bare));
    if (this.#mayRemember(path)) host.byPath.set(path, routes);
    return routes;
  }

  #mayRemember(text: string): boolean {
    if (text.length > REMEMBERED_CHARS_MAX) return false;
    if (this.#rememberedCount >= REMEMBERED_MAX) this.#forget();
    this.#rememberedCount += 1;
    return true;
  }

  #forget(): void {
    this.#byAuthority.clear();
    for (const host of this.#hosts) host.byPath.clear();
    this.#rememberedCount = 0;
  }
}
