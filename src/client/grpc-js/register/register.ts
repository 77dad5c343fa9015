/**
 * `register()`: our resolvers and policies for stock grpc-js, with its channels, stubs and calls as
 * they are. Made of its module `experimental`, whose version 1.14 this is written for.
 */
import * as ownGrpc from "@grpc/grpc-js";
import {
  KNOWN_POLICY_NAMES,
  PolicyError,
  policyFromServiceConfig,
} from "../../../balancing/index.ts";
import { realClock, realRng, unrefClock } from "../../../base/index.ts";
import { checkDiscoveryOptions, type DiscoveryOptions } from "../../../discovery/index.ts";
import { DiscoveryPool } from "../../core/discovery-pool.ts";
import type { GrpcModule } from "../grpc-module.ts";
import { policyConfigFor } from "./config.ts";
import { grpcLogger } from "./log.ts";
import { policyBalancerFor } from "./policy.ts";
import { resolverClass } from "./resolver.ts";

/** What can be said to `register`, besides where Kubernetes objects come from. */
export interface RegisterOptions extends DiscoveryOptions {
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

const OPTION_NAMES = [
  ...["dns", "grpc", "kubeconfig", "context", "namespace", "objects", "node", "zone"],
] as const;
const ALIAS_SUFFIX = "_experimental";

const registrations = new WeakMap<object, Registration>();

/**
 * Registers into grpc-js: the schemes `kubernetes`, `static` and `dns`, and each policy that
 * grpc-js has none of its own for. Channels that are made afterwards use it. Harmless when
 * repeated with the same options.
 *
 * @throws TypeError for an unknown option, a wrong type, other options than those it was called
 *   with before, or a grpc-js without `experimental`; OptionsError when options exclude each other.
 */
export function register(options: RegisterOptions = {}): Registered {
  checkOptions(options);
  const { grpc = ownGrpc, dns = true, ...discovery } = options;
  const given = JSON.stringify([dns, Object.entries(discovery).sort()]);
  // Namespaces of CommonJS differ by how they were imported; this object is the module's own.
  const { experimental } = grpc;
  const before = registrations.get(experimental.registerResolver);
  if (before !== undefined) {
    if (before.given === given) return before.registered;
    throw new TypeError("register() was called before with other options; call it once");
  }
  const registered = registerInto(grpc, dns, discovery);
  registrations.set(experimental.registerResolver, { given, registered });
  return registered;
}

function registerInto(grpc: GrpcModule, dns: boolean, discovery: DiscoveryOptions): Registered {
  const { experimental } = grpc;
  const clock = unrefClock(realClock());
  const rng = realRng();
  const log = grpcLogger(grpc);
  const pool = new DiscoveryPool({ clock, rng, log, env: process.env, isUnref: true });
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

/** Every name that our registry knows, with the names that grpc-go has for some. */
function ourPolicies(): string[] {
  return KNOWN_POLICY_NAMES.flatMap((name) =>
    [name, `${name}${ALIAS_SUFFIX}`].filter((each) => isPolicy(each)),
  );
}

function isPolicy(name: string): boolean {
  try {
    policyFromServiceConfig({ loadBalancingConfig: [{ [name]: {} }] });
    return true;
  } catch (error) {
    if (error instanceof PolicyError) return false;
    throw error;
  }
}

function checkOptions(options: RegisterOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("register() takes an object of options");
  }
  for (const [name, value] of Object.entries(options)) {
    if (!(OPTION_NAMES as readonly string[]).includes(name)) {
      const known = OPTION_NAMES.join(", ");
      throw new TypeError(`register(): unknown option ${JSON.stringify(name)}: known are ${known}`);
    }
    const type = name === "dns" ? "boolean" : name === "grpc" ? "object" : "string";
    if (value !== undefined && (typeof value !== type || value === null)) {
      throw new TypeError(`register(): option ${name} must be a ${type}`);
    }
  }
  const { grpc } = options;
  if (grpc !== undefined && typeof grpc.experimental?.LeafLoadBalancer !== "function") {
    throw new TypeError("register(): option grpc must be @grpc/grpc-js of version 1.14 or newer");
  }
  checkDiscoveryOptions(options);
}
