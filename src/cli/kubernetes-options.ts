/**
 * The flags by which a verb finds Kubernetes objects, as kubectl has them. Flags only: what is made
 * of them is in `discovery.ts`.
 */
import type { Command } from "commander";
import { UsageError, valueOption } from "./usage.ts";

/** As commander yields them. */
export interface KubernetesOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  /** A directory of objects instead of an API server. */
  readonly objects?: string;
  readonly node?: string;
  readonly zone?: string;
}

/** The flags with what they were given. */
export function kubernetesValues(
  options: KubernetesOptions,
): [flag: string, value: string | undefined][] {
  const { kubeconfig, context, namespace, objects, node, zone } = options;
  return [
    ["--kubeconfig", kubeconfig],
    ["--context", context],
    ["--namespace", namespace],
    ["--objects", objects],
    ["--node", node],
    ["--zone", zone],
  ];
}

/**
 * Adds the flags by which an API server is found.
 * @param namespace the help of `--namespace`.
 */
export function addApiOptions(command: Command, namespace: string): void {
  add(command, "--kubeconfig <file>", "as kubectl: instead of KUBECONFIG and ~/.kube/config");
  add(command, "--context <name>", "a context of the kubeconfig, instead of the current one");
  add(command, "-n, --namespace <name>", namespace);
}

/** Adds all flags. */
export function addKubernetesOptions(command: Command): void {
  addApiOptions(command, "the namespace, where a target names none");
  add(command, "--objects <dir>", "Kubernetes objects from YAML and JSON files, no API server");
  add(command, "--node <name>", "the node that we run on (default: NODE_NAME)");
  add(command, "--zone <name>", "our zone (default: the label of our Node)");
}

function add(command: Command, flags: string, help: string): void {
  command.addOption(
    valueOption(flags, help, (flag, text) => {
      if (text.trim() !== "") return text;
      throw new UsageError(`${flag} "": must not be empty`);
    }),
  );
}
