/**
 * The virtual hosts of one listener of a Gateway: the hostnames of its routes as far as its own
 * lets them, and for each the routes in their order.
 *
 * Listeners of one port that differ by hostname are isolated (gateway.networking.k8s.io/v1,
 * "Listener Isolation"): a call is the narrowest listener's, and no other listener's routes get it,
 * also when the narrowest has none that match.
 */
import { ANY_HOST, intersectHostnames, isWithin, widenings } from "./hostnames.ts";
import { type Contender, compareNumbers, inOrder, specificityOf } from "./precedence.ts";
import type { CompiledRoute } from "./rules.ts";
import type { Route, VirtualHost } from "./table.ts";

/**
 * Virtual hosts with the hostnames that are a listener's own. One for all of its hostname is always
 * there, without routes when no route is for all of it.
 *
 * @param label of the listener, for people.
 * @param hostname "*" for any.
 * @param siblings hostnames of the other listeners of the port.
 */
export function listenerHosts(
  label: string,
  hostname: string,
  siblings: ReadonlySet<string>,
  routes: readonly CompiledRoute[],
): readonly VirtualHost[] {
  const contenders = contendersByHost(hostname, siblings, routes);
  if (!contenders.has(hostname)) contenders.set(hostname, []);
  const byRoutes = new Map<string, { domains: string[]; routes: readonly Route[] }>();
  for (const host of [...contenders.keys()].sort()) {
    const ordered = inOrder(narrowest(host, contenders));
    // Names of thousands of routes are a long text, of which one host has no need.
    const key = contenders.size === 1 ? "" : ordered.map(({ name }) => name).join("\n");
    const same = byRoutes.get(key);
    if (same === undefined) byRoutes.set(key, { domains: [host], routes: ordered });
    else same.domains.push(host);
  }
  return [...byRoutes.values()].map(({ domains, routes: ordered }) => {
    return { name: `${label} ${domains[0]}`, domains, routes: ordered };
  });
}

/** Virtual hosts without routes for what narrower listeners of the port have taken. */
export function takenHosts(
  label: string,
  hostname: string,
  siblings: ReadonlySet<string>,
): readonly VirtualHost[] {
  const taken = [...siblings]
    .filter((each) => each !== hostname && isWithin(each, hostname))
    .sort();
  return taken.map((each) => {
    return { name: `${label} ${each} (of another listener)`, domains: [each], routes: [] };
  });
}

/** Who takes part, by what their hostnames and the listener's have in common. */
function contendersByHost(
  hostname: string,
  siblings: ReadonlySet<string>,
  routes: readonly CompiledRoute[],
): Map<string, Contender[]> {
  const byHost = new Map<string, Contender[]>();
  for (const compiled of routes) {
    const { hostnames } = compiled.object;
    for (const own of hostnames.length === 0 ? [ANY_HOST] : hostnames) {
      const common = intersectHostnames(own, hostname);
      if (common === null || isTaken(common, hostname, siblings)) continue;
      const contender = { compiled, hostname: hostnames.length === 0 ? "" : own };
      const same = byHost.get(common);
      if (same === undefined) byHost.set(common, [contender]);
      else same.push(contender);
    }
  }
  return byHost;
}

/** Whether a narrower listener of the port gets all calls for a host. */
function isTaken(host: string, hostname: string, siblings: ReadonlySet<string>): boolean {
  for (const wider of widenings(host)) {
    if (wider === hostname) return false;
    if (siblings.has(wider)) return true;
  }
  return false;
}

/** All who take part in a host, each route by its hostname that says most. */
function narrowest(
  host: string,
  byHost: ReadonlyMap<string, readonly Contender[]>,
): readonly Contender[] {
  const lists = widenings(host).flatMap((wider) => [byHost.get(wider) ?? []]);
  const [only = [], ...more] = lists.filter((list) => list.length > 0);
  // A route is there more than once by several hostnames only.
  const isOnce = more.length === 0 && only.every(({ compiled }) => hasOneHost(compiled));
  if (isOnce) return only;
  const best = new Map<string, Contender>();
  for (const list of lists) {
    for (const contender of list) {
      const known = best.get(contender.compiled.key);
      const isBetter =
        known === undefined ||
        compareNumbers(specificityOf(contender.hostname), specificityOf(known.hostname)) < 0;
      if (isBetter) best.set(contender.compiled.key, contender);
    }
  }
  return [...best.values()];
}

function hasOneHost({ object }: CompiledRoute): boolean {
  return object.hostnames.length <= 1;
}
