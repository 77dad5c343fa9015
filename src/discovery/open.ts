/**
 * Discovery for a process: what `createResolver` needs for certain targets, made of what a user
 * said and of the environment. Once a process: its resolvers share DNS queries and watches.
 *
 * Nothing is read or loaded that no target needs: the ways to Kubernetes come with libraries for
 * YAML and proxies, and a program with a fixed list of endpoints should not pay for them.
 */
import { type Clock, type Logger, type Rng, unrefClock } from "../base/index.ts";
import type { Registry } from "../telemetry/index.ts";
import type { ResolverDeps } from "./create.ts";
import { DnsNames, systemDns } from "./dns/index.ts";
import { DiscoveryError } from "./error.ts";
import type { ApiCheck } from "./kubernetes/api/index.ts";
import { checkObject } from "./kubernetes/check.ts";
import { shareWatches } from "./kubernetes/shared.ts";
import type { ObjectSource } from "./kubernetes/source.ts";
import type { ObjectWriter } from "./kubernetes/writer.ts";
import { parseTarget } from "./target.ts";

/** Where Kubernetes objects come from and where we run, as users say it. */
export interface DiscoveryOptions {
  /** A kubeconfig file, instead of KUBECONFIG and ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
  /** A context of the kubeconfig, instead of the current one. */
  readonly context?: string | undefined;
  /** The namespace of targets that name none, instead of the context's or the pod's. */
  readonly namespace?: string | undefined;
  /** A directory of objects in YAML and JSON files, instead of an API server. */
  readonly objects?: string | undefined;
  /** The node that we run on; NODE_NAME by default. */
  readonly node?: string | undefined;
  /** Our zone; by default the label of our Node. */
  readonly zone?: string | undefined;
}

/** The real things that discovery needs. */
export interface DiscoverySystem {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Where counters go; nowhere by default. */
  readonly registry?: Registry | undefined;
  /** The names that the process looks up; its own unless given. */
  readonly dns?: DnsNames | undefined;
  /** The environment: KUBECONFIG, HOME, NODE_NAME and Kubernetes' own variables are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * True for a library: its sockets and timers do not keep the process alive. A lookup of a name
   * under way does until it ends. False by default.
   */
  readonly isUnref?: boolean | undefined;
  /** Whether Kubernetes objects are needed whatever the targets are. False by default. */
  readonly needsObjects?: boolean | undefined;
  /**
   * How sentences for people name one of `DiscoveryOptions`: what is before its name there. "--" by
   * default, for those who have flags.
   */
  readonly optionPrefix?: string | undefined;
}

/** What `createResolver` is given, and its end. */
export interface Discovery {
  readonly deps: ResolverDeps;
  /** The namespace of targets that name none; null: no target needs Kubernetes objects. */
  readonly defaultNamespace: string | null;
  /** Ends all watches; the resolvers are closed before. Harmless when repeated. */
  close(): void;
}

/** Two of `DiscoveryOptions` that cannot both hold. */
export class OptionsError extends DiscoveryError {
  override readonly name = "OptionsError";
  readonly options: readonly [keyof DiscoveryOptions, keyof DiscoveryOptions];

  constructor(options: OptionsError["options"], why: string) {
    super(`${options.join(" and ")} exclude each other: ${why}`);
    this.options = options;
  }
}

/**
 * Prepares discovery for these targets.
 *
 * @throws OptionsError (rejects) when options exclude each other, DiscoveryError when there is no
 *   way to the objects that a target needs, TargetError for a malformed target.
 */
export async function openDiscovery(
  targets: readonly string[],
  options: DiscoveryOptions,
  system: DiscoverySystem,
): Promise<Discovery> {
  checkDiscoveryOptions(options);
  const { rng, log, env, dns } = system;
  const clock = system.isUnref === true ? unrefClock(system.clock) : system.clock;
  const hasTarget = targets.some((target) => parseTarget(target).kind === "kubernetes");
  const source =
    hasTarget || system.needsObjects === true
      ? await openSource(options, { ...system, clock })
      : null;
  const shared = source === null ? null : shareWatches(source, clock);
  return {
    deps: {
      ...{ clock, rng, log },
      dns: dns ?? new DnsNames({ clock, rng, system: systemDns() }),
      objects: shared === null ? undefined : () => shared,
      place: { node: options.node ?? (env.NODE_NAME || null), zone: options.zone ?? null },
    },
    defaultNamespace: source?.defaultNamespace ?? null,
    close: () => shared?.close(),
  };
}

/** Objects of a cluster for who reads them all, such as a control plane. */
export interface OpenObjects {
  readonly source: ObjectSource;
  /** Null: they come from files, which are the user's, or nobody asked to write. */
  readonly writer: ObjectWriter | null;
  /** Ends all watches and requests. Harmless when repeated. */
  close(): void;
}

/**
 * Opens the way to objects, without a target.
 *
 * @param mayWrite whether `writer` is wanted; it is used when it is told to, and needs rights.
 * @throws OptionsError (rejects) when options exclude each other, DiscoveryError when there is no
 *   way to objects.
 */
export async function openObjects(
  options: DiscoveryOptions,
  system: DiscoverySystem,
  mayWrite: boolean,
): Promise<OpenObjects> {
  checkDiscoveryOptions(options);
  const source = await openSource(options, system);
  const writer = mayWrite ? await openWriter(options, system) : null;
  return {
    source,
    writer,
    close: () => {
      source.close();
      writer?.close();
    },
  };
}

async function openWriter(
  { kubeconfig, context, namespace, objects }: DiscoveryOptions,
  { clock, rng, log, env, optionPrefix }: DiscoverySystem,
): Promise<ObjectWriter | null> {
  if (objects !== undefined) return null;
  const { createApiWriter, loadApiAccess } = await import("./kubernetes/api/index.ts");
  const access = await loadApiAccess({ kubeconfig, context, namespace }, { env, optionPrefix });
  return createApiWriter(access, { clock, rng, log });
}

/**
 * Refuses options that cannot all hold, as `openDiscovery` would.
 *
 * @throws OptionsError
 */
export function checkDiscoveryOptions({ objects, kubeconfig, context }: DiscoveryOptions): void {
  if (objects === undefined) return;
  const other = kubeconfig !== undefined ? "kubeconfig" : context !== undefined ? "context" : null;
  if (other === null) return;
  throw new OptionsError(["objects", other], "objects come from files or from an API server");
}

async function openSource(
  options: DiscoveryOptions,
  { clock, rng, log, registry, env, isUnref, optionPrefix }: DiscoverySystem,
): Promise<ObjectSource> {
  const { kubeconfig, context, namespace, objects } = options;
  if (objects !== undefined) {
    const { createFilesSource } = await import("./kubernetes/files/source.ts");
    const malformed = registry?.counter(
      "fairlead_objects_malformed_total",
      "Objects of files, or parts of them, that were passed over.",
    );
    const onMalformed = (count: number): void => malformed?.add(count);
    return createFilesSource(objects, { clock, log, namespace, onMalformed });
  }
  const { createApiSource, loadApiAccess } = await import("./kubernetes/api/index.ts");
  const access = await loadApiAccess({ kubeconfig, context, namespace }, { env, optionPrefix });
  return createApiSource(access, { clock, rng, log, registry, isUnref, decode: checkObject });
}

/**
 * Asks the API server whether discovery can work: see `checkApi`. It changes nothing there.
 *
 * @throws DiscoveryError (rejects) when no API server is known.
 */
export async function checkApiServer(
  { kubeconfig, context, namespace }: DiscoveryOptions,
  { clock, rng, log, env }: DiscoverySystem,
): Promise<ApiCheck> {
  const { checkApi, loadApiAccess } = await import("./kubernetes/api/index.ts");
  const access = await loadApiAccess({ kubeconfig, context, namespace }, { env });
  return checkApi(access, access.namespace, { clock, rng, log });
}
