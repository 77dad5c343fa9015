/**
 * `register()`: our resolvers and policies for stock grpc-js, with its channels, stubs and calls as
 * they are. Made of its module `experimental`, whose version 1.14 this is written for.
 */
import * as ownGrpc from "@grpc/grpc-js";
import { KNOWN_POLICY_NAMES, tryParsePolicy } from "../../../balancing/index.ts";
import type { DiscoveryOptions } from "../../../discovery/index.ts";
import {
  checkNames,
  clientProcess,
  containedLogger,
  discoveryOptions,
  flag,
} from "../../core/index.ts";
import type { GrpcModule } from "../grpc-module.ts";
import { policyConfigFor } from "./config.ts";
import { grpcLogger } from "./log.ts";
import { policyBalancerFor } from "./policy.ts";
import { resolverClass } from "./resolver.ts";

/** What can be said to `register`; everything has a default. */
export interface RegisterOptions {
  /** How a `kubernetes` target finds its objects; by default as kubectl does. */
  readonly kubernetes?: DiscoveryOptions | undefined;
  /**
   * Whether grpc-js' own resolver of `dns`, which is also that of targets without a scheme, is
   * replaced by one that follows the TTL. True by default.
   */
  readonly dns?: boolean | undefined;
  /** The copy of `@grpc/grpc-js` to register into, when it is not the one that we find. */
  readonly grpc?: GrpcModule | undefined;
}

/** What is registered now. */
export interface Registered {
  /** Schemes of targets, such as "kubernetes". */
  readonly schemes: readonly string[];
  /** Names for `loadBalancingConfig`, such as "least_request". */
  readonly policies: readonly string[];
}

interface Registration {
  readonly given: string;
  readonly registered: Registered;
}

const OPTION_NAMES: readonly string[] = [
  ...(["kubernetes", "dns", "grpc"] as const),
] satisfies (keyof RegisterOptions)[];
const ALIAS_SUFFIX = "_experimental";

const registrations = new WeakMap<object, Registration>();

/**
 * Registers into grpc-js: the schemes `kubernetes`, `static` and `dns`, and each policy that
 * grpc-js has none of its own for. Channels that are made afterwards use it. Harmless when
 * repeated with the same options. Watches are shared with the fairlead channels of the process.
 *
 * @throws RangeError for an unknown option, an impossible value, or a grpc-js without
 *   `experimental`; OptionsError when two of `kubernetes` exclude each other; Error when it was
 *   called before with other options.
 */
export function register(options: RegisterOptions = {}): Registered {
  checkOptions(options);
  const { grpc = ownGrpc, dns = true, kubernetes: discovery = {} } = options;
  const given = JSON.stringify([dns, Object.entries(discovery).sort()]);
  // Namespaces of CommonJS differ by how they were imported; this object is the module's own.
  const { experimental } = grpc;
  const before = registrations.get(experimental.registerResolver);
  if (before !== undefined) {
    if (before.given === given) return before.registered;
    throw new Error("register() was called before with other options; call it once");
  }
  const registered = registerInto(grpc, dns, discovery);
  registrations.set(experimental.registerResolver, { given, registered });
  return registered;
}

function registerInto(grpc: GrpcModule, dns: boolean, discovery: DiscoveryOptions): Registered {
  const { experimental } = grpc;
  const { deps, pool, logs } = clientProcess();
  const { clock, rng } = deps;
  logs.add(containedLogger(grpcLogger(grpc)));
  const schemes = ["kubernetes", "static", ...(dns ? ["dns"] : [])];
  const resolver = resolverClass({ grpc, pool, discovery });
  for (const scheme of schemes) experimental.registerResolver(scheme, resolver);
  const policies = ourPolicies().filter((name) => !experimental.isLoadBalancerNameRegistered(name));
  for (const name of policies) {
    const configs = policyConfigFor(name);
    const balancer = policyBalancerFor(name, configs, { grpc, clock, rng });
    experimental.registerLoadBalancerType(name, balancer, configs);
  }
  return Object.freeze({ schemes: Object.freeze(schemes), policies: Object.freeze(policies) });
}

/**
 * Every name that our registry knows, with the names that grpc-go has for some. Not what lives by
 * the reports of servers: stock grpc-js does not hand them on, and has such a policy of its own.
 */
function ourPolicies(): string[] {
  return KNOWN_POLICY_NAMES.flatMap((name) => [name, `${name}${ALIAS_SUFFIX}`]).filter((name) => {
    const policy = tryParsePolicy(name, {}, name);
    return policy !== null && policy.usesReports !== true;
  });
}

function checkOptions(options: RegisterOptions): void {
  checkNames("register()", options, OPTION_NAMES);
  flag("register(): dns", options.dns, true);
  discoveryOptions("register(): kubernetes", options.kubernetes);
  const { grpc } = options;
  if (grpc !== undefined && typeof grpc?.experimental?.LeafLoadBalancer !== "function") {
    throw new RangeError("register(): grpc must be @grpc/grpc-js of version 1.14 or newer");
  }
}
