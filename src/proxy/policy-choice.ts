/** The service config that a user chose for a proxy, by a policy's name or whole. */
import { parseServiceConfig, type ServiceConfig, serviceConfigOf } from "../cluster/index.ts";
import type { PolicyChoice } from "./config.ts";

/**
 * The one that is chosen; null: nothing is.
 * @throws PolicyError or ServiceConfigError
 */
export function chosenConfig(choice: PolicyChoice | null): ServiceConfig | null {
  if (choice === null) return null;
  return choice.name === null
    ? parseServiceConfig(choice.serviceConfig)
    : serviceConfigOf(choice.name);
}

/** The same, with the default where nothing is. */
export function configOfChoice(choice: PolicyChoice | null): ServiceConfig {
  return chosenConfig(choice) ?? parseServiceConfig({});
}
