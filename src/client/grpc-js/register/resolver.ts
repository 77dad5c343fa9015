/**
 * A resolver of ours under grpc-js, for one scheme.
 *
 * grpc-js wants it to be silent while it is called, to stop when it is destroyed, and to begin anew
 * when it is asked after that (a channel that was idle). What is told goes to every policy, its own
 * ones included, so an update is told only when something changed. No attributes are passed: a new
 * object among them (a ConfigSelector) would make grpc-js connect to unchanged endpoints anew.
 */
import type { ChannelOptions, experimental } from "@grpc/grpc-js";
import type {
  DiscoveryOptions,
  EndpointSet,
  Resolver,
  ResolverListener,
} from "../../../discovery/index.ts";
import type { DiscoveryPool } from "../../core/discovery-pool.ts";
import { createLazyResolver } from "../../core/lazy-resolver.ts";
import type { GrpcModule } from "../grpc-module.ts";
import { toGrpcEndpoint } from "./endpoints.ts";
import { type GrpcServiceConfigResult, toGrpcServiceConfig } from "./service-config.ts";
import { defaultAuthority, targetText } from "./target.ts";

type GrpcUri = experimental.GrpcUri;
type GrpcListener = experimental.ResolverListener;
type ResolverClass = Parameters<GrpcModule["experimental"]["registerResolver"]>[1];

/** What resolvers of one module share. */
export interface SchemeDeps {
  readonly grpc: GrpcModule;
  readonly pool: DiscoveryPool;
  readonly discovery: DiscoveryOptions;
}

/** The class that `registerResolver` wants for a scheme of `parseTarget`. */
export function resolverClass(deps: SchemeDeps): ResolverClass {
  return class extends SchemeResolver {
    /** @throws TargetError */
    static getDefaultAuthority(uri: GrpcUri): string {
      return defaultAuthority(uri);
    }

    /** @throws TargetError for a malformed target, except of the scheme `dns`. */
    constructor(uri: GrpcUri, listener: GrpcListener, options: ChannelOptions) {
      super(uri, listener, options, deps);
    }
  };
}

class SchemeResolver implements experimental.Resolver {
  readonly #text: string;
  readonly #listener: GrpcListener;
  readonly #deps: SchemeDeps;
  /** Null until it is asked, and again after `destroy`. */
  #run: Run | null = null;
  /** Whether a service config is wanted: grpc-js' own option, for what its resolvers find. */
  readonly #wantsConfig: boolean;
  /** What is wrong with the target, for calls to hear. */
  readonly #mistake: string | null;

  constructor(uri: GrpcUri, listener: GrpcListener, options: ChannelOptions, deps: SchemeDeps) {
    this.#text = targetText(uri);
    this.#listener = listener;
    this.#deps = deps;
    this.#wantsConfig = options["grpc.service_config_disable_resolution"] !== 1;
    this.#mistake = this.#check(uri.scheme === "dns");
  }

  updateResolution(): void {
    if (this.#run !== null) {
      this.#run.resolveNow();
      return;
    }
    this.#run = new Run(this.#text, this.#listener, this.#wantsConfig, this.#deps.grpc);
    if (this.#mistake !== null) this.#run.onError(this.#mistake);
    else this.#run.start(this.#newResolver());
  }

  destroy(): void {
    this.#run?.close();
    this.#run = null;
  }

  /** grpc-js' own `dns` takes any text, and fails the calls. */
  #check(isLenient: boolean): string | null {
    try {
      this.#newResolver().close();
      return null;
    } catch (error) {
      if (!isLenient) throw error;
      return error instanceof Error ? error.message : String(error);
    }
  }

  #newResolver(): Resolver {
    const { pool, discovery } = this.#deps;
    return createLazyResolver(this.#text, discovery, { pool, txt: this.#wantsConfig });
  }
}

/** From an `updateResolution` to the `destroy` after it. */
class Run implements ResolverListener {
  readonly #target: string;
  readonly #listener: GrpcListener;
  readonly #grpc: GrpcModule;
  #resolver: Resolver | null = null;
  #isClosed = false;
  /** Endpoints were told: what is away now takes nothing away from them. */
  #hasTold = false;
  #told = "";
  readonly #wantsConfig: boolean;
  /** A config that was right: grpc-js forgets it, and would drop what comes with a wrong one. */
  #goodConfig: GrpcServiceConfigResult = null;
  #loggedMistake = "";

  constructor(target: string, listener: GrpcListener, wantsConfig: boolean, grpc: GrpcModule) {
    this.#target = target;
    this.#listener = listener;
    this.#wantsConfig = wantsConfig;
    this.#grpc = grpc;
  }

  start(resolver: Resolver): void {
    this.#resolver = resolver;
    resolver.start(this);
  }

  resolveNow(): void {
    this.#resolver?.resolveNow();
  }

  close(): void {
    this.#isClosed = true;
    this.#resolver?.close();
  }

  onEndpoints(set: EndpointSet): void {
    const endpoints = set.endpoints.map(toGrpcEndpoint);
    // grpc-js' pick_first refuses an empty list, and calls would wait for ever for the first one.
    if (endpoints.length === 0 && !this.#hasTold) {
      this.#tellError(set.reason ?? "there are no endpoints");
      return;
    }
    const config = this.#configOf(set);
    const told = JSON.stringify([endpoints, config]);
    if (this.#hasTold && told === this.#told) return;
    this.#hasTold = true;
    this.#told = told;
    const { statusOrFromValue } = this.#grpc.experimental;
    this.#tell(statusOrFromValue(endpoints), config, set.reason ?? "");
  }

  #configOf({ serviceConfig = null }: EndpointSet): GrpcServiceConfigResult {
    if (!this.#wantsConfig || serviceConfig === null) return null;
    const config = toGrpcServiceConfig(serviceConfig, this.#grpc);
    if (config.ok) this.#goodConfig = config;
    else this.#logMistake(config.error.details);
    return config.ok ? config : (this.#goodConfig ?? config);
  }

  #logMistake(details: string): void {
    if (details === this.#loggedMistake) return;
    this.#loggedMistake = details;
    const { logVerbosity, experimental } = this.#grpc;
    const kept = this.#goodConfig === null ? "calls fail" : "the last good one stays";
    experimental.log(logVerbosity.ERROR, `fairlead: ${this.#target}: ${details}; ${kept}`);
  }

  onError(reason: string): void {
    if (!this.#hasTold) this.#tellError(reason);
  }

  #tellError(reason: string): void {
    const { experimental, status } = this.#grpc;
    const details = `Name resolution failed for target ${this.#target}: ${reason}`;
    const error = { code: status.UNAVAILABLE, details };
    this.#tell(experimental.statusOrFromError(error), null, reason);
  }

  /** On a later tick: grpc-js must not be told while it asks. */
  #tell(
    endpoints: experimental.StatusOr<experimental.Endpoint[]>,
    config: GrpcServiceConfigResult,
    note: string,
  ): void {
    process.nextTick(() => {
      if (!this.#isClosed) this.#listener(endpoints, {}, config, note);
    });
  }
}
