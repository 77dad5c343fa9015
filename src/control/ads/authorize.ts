/**
 * What a node may ask for, with `--authorize`: what is in the namespaces of its certificate, and
 * what other namespaces export to these.
 *
 * A certificate names its namespaces as SPIFFE does (URI `spiffe://TRUST/ns/NAMESPACE/sa/NAME`) or
 * as a Service does (DNS `NAME.NAMESPACE.svc`, with or without a cluster's domain behind it). A
 * Service is exported by its annotation `fairlead.dev/export-to`: "*", or namespaces with commas
 * between them; without it, to nobody. What a node may not have is to it as if it did not exist.
 */
import type { ResourceType } from "../../xds/index.ts";
import type { NodeInfo, Resource, View } from "../resources.ts";
import type { VisibleView } from "./subscription.ts";

const SPIFFE = /^URI:spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/[^/]+$/;
const SERVICE_DNS = /^DNS:[^.]+\.([^.]+)\.svc(?:\..+)?$/;

/** The namespaces that a certificate is of, sorted. */
export function namespacesOf(names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const name of names) {
    const namespace = (SPIFFE.exec(name) ?? SERVICE_DNS.exec(name))?.[1];
    if (namespace !== undefined) found.add(namespace);
  }
  return [...found].sort();
}

/** Why a node may not speak for what it says that it is; "" when it may. */
export function nodeProblem(node: NodeInfo, namespaces: readonly string[]): string {
  const allowed = `its certificate is of ${namespaces.join(", ")}`;
  if (node.namespace !== "" && !namespaces.includes(node.namespace)) {
    return `the node says that it is in namespace ${node.namespace}: ${allowed}`;
  }
  const gateway = node.gateway?.split("/")[0];
  if (gateway !== undefined && !namespaces.includes(gateway)) {
    return `the node asks for Gateway ${node.gateway}: ${allowed}`;
  }
  return "";
}

/** A view without what a node of these namespaces may not have. */
export class AuthorizedView implements VisibleView {
  readonly #view: View;
  readonly #namespaces: readonly string[];
  readonly #onRefused: (type: ResourceType, name: string) => void;
  readonly #all = new Map<ResourceType, readonly Resource[]>();

  /** @param onRefused hears of each name that exists and was asked for in vain. */
  constructor(
    view: View,
    namespaces: readonly string[],
    onRefused: (type: ResourceType, name: string) => void,
  ) {
    this.#view = view;
    this.#namespaces = namespaces;
    this.#onRefused = onRefused;
  }

  get(type: ResourceType, name: string): Resource | null {
    if (this.#mayHave(type, name)) return this.#view.get(type, name);
    if (this.#view.get(type, name) !== null) this.#onRefused(type, name);
    return null;
  }

  all(type: ResourceType): readonly Resource[] {
    let known = this.#all.get(type);
    if (known === undefined) {
      known = this.#view.all(type).filter(({ name }) => this.#mayHave(type, name));
      this.#all.set(type, known);
    }
    return known;
  }

  listed(type: ResourceType, name: string): Resource | null {
    return this.#mayHave(type, name) ? this.#view.listed(type, name) : null;
  }

  absenceOf(type: ResourceType, name: string): string | null {
    return this.#mayHave(type, name) ? (this.#view.absenceOf?.(type, name) ?? null) : null;
  }

  #mayHave(type: ResourceType, name: string): boolean {
    const owner = this.#view.namespaceOf(type, name);
    if (owner === null || this.#namespaces.includes(owner)) return true;
    return this.#namespaces.some((own) => this.#view.isExportedTo?.(type, name, own) ?? false);
  }
}
