/**
 * The configuration of one Gateway, from Kubernetes objects.
 *
 * Whoever names a Gateway means it: a class that does not exist is taken for ours, with a warning.
 * One that is of another controller is not served.
 */
import type { Clock, Logger } from "../../base/index.ts";
import type { GatewayClass, ObjectSource, Resolver } from "../../discovery/index.ts";
import {
  CONTROLLER_NAME,
  RouteEvaluator,
  type RouteObjects,
  type Statuses,
  StatusFaults,
} from "../../routes/index.ts";
import type { MeshConfig, MeshListener, MeshSource } from "../config.ts";
import { isSameConfig } from "../same-config.ts";
import { GatewayConfigs } from "./gateway-config.ts";
import { type GatewayName, GatewayObjects } from "./gateway-objects.ts";

/** What it needs. */
export interface GatewaySourceDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly objects: ObjectSource;
  /** Of a `kubernetes` target; not started. */
  newResolver(target: string): Resolver;
}

/** See the head of this file. */
export class GatewayMeshSource implements MeshSource {
  readonly #name: GatewayName;
  readonly #log: Logger;
  readonly #objects: GatewayObjects;
  readonly #configs: GatewayConfigs;
  readonly #evaluator = new RouteEvaluator();
  #listener: MeshListener | null = null;
  #config: MeshConfig | null = null;
  /** What is wrong, as it was told last; null: nothing. */
  #problem: string | null = null;
  /** Of listeners that cannot be served, as it was told last. */
  #faults = "";
  /** What is wrong with routes: a proxy writes no statuses. */
  readonly #routeFaults: StatusFaults;
  #statuses: Statuses | null = null;
  /** The class that was taken for ours, as it was told last; "" for none. */
  #assumedClass = "";

  constructor(name: GatewayName, { clock, log, objects: source, newResolver }: GatewaySourceDeps) {
    this.#name = name;
    this.#log = log;
    this.#routeFaults = new StatusFaults(log);
    this.#configs = new GatewayConfigs(newResolver);
    this.#objects = new GatewayObjects(name, {
      ...{ clock, log, source },
      onObjects: () => this.#evaluate(),
      onProblem: (reason) => {
        this.#problem = reason;
        this.#listener?.onError(reason);
      },
    });
  }

  start(listener: MeshListener): void {
    this.#listener = listener;
    this.#objects.start();
  }

  close(): void {
    this.#listener = null;
    this.#objects.close();
  }

  #evaluate(): void {
    const key = `${this.#name.namespace}/${this.#name.name}`;
    const { gateways, statuses } = this.#evaluator.evaluate(this.#withClass());
    const ports = gateways.get(key)?.ports ?? [];
    const judged = statuses.gateways.get(key);
    const faults = (judged?.listeners ?? []).flatMap(({ name, conditions }) => {
      const fault = conditions.find(({ type }) => type === "Programmed");
      return fault?.status === "True" ? [] : [`listener ${name}: ${fault?.message ?? ""}`];
    });
    this.#publish(this.#configs.of(key, ports), () => {
      if (ports.length > 0) return null;
      if (this.#objects.gateway === null) return `Gateway ${key} does not exist`;
      if (judged === undefined) return `${this.#classOf()} is not ours`;
      return `Gateway ${key} cannot be served: ${faults.join("; ")}`;
    });
    this.#tell(faults.join("; "));
    this.#tellOfRoutes(statuses);
  }

  /** Objects change that matter to nobody here: what is as it was told is not told again. */
  #publish(config: MeshConfig, whyNothing: () => string | null): void {
    const problem = whyNothing();
    if (this.#config !== null && isSameConfig(this.#config, config) && problem === this.#problem) {
      return;
    }
    this.#config = config;
    this.#problem = problem;
    this.#listener?.onConfig(config);
    if (problem !== null) this.#listener?.onError(problem);
  }

  /** Once a change. */
  #tell(faults: string): void {
    if (faults === this.#faults) return;
    this.#faults = faults;
    if (faults === "") return;
    const gateway = `${this.#name.namespace}/${this.#name.name}`;
    this.#log.warn("listeners of the Gateway cannot be served", { gateway, reason: faults });
  }

  /** Those of the Gateway; routes of Services are for others to carry out. */
  #tellOfRoutes(statuses: Statuses): void {
    if (statuses === this.#statuses) return;
    this.#statuses = statuses;
    const routes = [...statuses.routes].map(([key, parents]) => {
      return [key, parents.filter(({ parentRef }) => parentRef.kind === "Gateway")] as const;
    });
    const ofRoutes = { gatewayClasses: new Map(), gateways: new Map(), routes: new Map(routes) };
    this.#routeFaults.tell(ofRoutes);
  }

  #classOf(): string {
    const { gatewayClassName = "" } = this.#objects.gateway ?? {};
    const { controllerName = "" } =
      this.#objects.objects.gatewayClasses.get(gatewayClassName) ?? {};
    return `GatewayClass ${gatewayClassName} of controller ${controllerName}`;
  }

  /** Once a change. */
  #tellOfClass(assumed: string): void {
    if (assumed === this.#assumedClass) return;
    this.#assumedClass = assumed;
    if (assumed === "") return;
    const gateway = `${this.#name.namespace}/${this.#name.name}`;
    const reason = "it is not known here; fairlead control serves no Gateway of such a class";
    this.#log.warn("GatewayClass is taken for ours", { gateway, gatewayClass: assumed, reason });
  }

  #withClass(): RouteObjects {
    const { objects, gateway } = this.#objects;
    const { metadata, gatewayClassName: name = "" } = gateway ?? {};
    const isThere = metadata === undefined || objects.gatewayClasses.has(name);
    this.#tellOfClass(isThere ? "" : name);
    if (isThere) return objects;
    const assumed: GatewayClass = {
      kind: "GatewayClass",
      metadata: { ...metadata, namespace: "", name },
      ...{ controllerName: CONTROLLER_NAME, hasParametersRef: false, conditions: [] },
    };
    const gatewayClasses = new Map([...objects.gatewayClasses, [name, assumed]]);
    return { ...objects, gatewayClasses };
  }
}
