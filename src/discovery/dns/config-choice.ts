/**
 * The service config that TXT records hold for this client: gRFC A2. A record begins with
 * "grpc_config=", and what follows is a list of choices; the first that fits is taken:
 *
 *     grpc_config=[{"clientLanguage":["node"],"percentage":50,"serviceConfig":{...}}]
 */
import { isJsonObject } from "../../base/index.ts";
import type { ServiceConfigResult } from "../endpoint.ts";
import { parseJsonText } from "../service-config.ts";

/** Where the records of a name are. */
export const CONFIG_PREFIX = "_grpc_config.";
const RECORD_PREFIX = "grpc_config=";
/** As `clientLanguage` names us: a choice for grpc-js is one for us. */
const LANGUAGE = "node";
/** Of a name that a record has, in an error. */
const SHOWN_CHARS_MAX = 64;
const FIELDS = ["clientLanguage", "clientHostname", "percentage", "serviceConfig"];

/** Who chooses. */
export interface ConfigClient {
  /** From 0 to 99: a choice of P percent is for those below P. Drawn once. */
  readonly percentile: number;
  readonly hostname: string;
}

/**
 * The choice for a client; null: there is none. Never throws.
 *
 * @param records each in the pieces in which it was sent.
 * @param name of which they are, for the error.
 */
export function chooseServiceConfig(
  records: readonly (readonly string[])[],
  name: string,
  client: ConfigClient,
): ServiceConfigResult | null {
  const text = records
    .map((pieces) => pieces.join(""))
    .find((each) => each.startsWith(RECORD_PREFIX));
  if (text === undefined) return null;
  const fail = (clause: string) => Object.freeze({ error: `TXT record of ${name} ${clause}` });
  const parsed = parseJsonText(text.slice(RECORD_PREFIX.length));
  if (parsed.error !== null) return fail(parsed.error);
  if (!Array.isArray(parsed.value)) return fail("must be a list of choices");
  // "If any choice is malformed, the whole is": a mistake shows at every client, not at some.
  for (const [i, choice] of parsed.value.entries()) {
    const problem = problemOf(choice);
    if (problem !== null) return fail(`[${i}]${problem}`);
  }
  const chosen = parsed.value.find((choice) => fits(choice as Choice, client));
  return chosen === undefined ? null : Object.freeze({ json: (chosen as Choice).serviceConfig });
}

interface Choice {
  readonly clientLanguage?: readonly string[];
  readonly clientHostname?: readonly string[];
  readonly percentage?: number;
  readonly serviceConfig: object;
}

function fits(choice: Choice, { percentile, hostname }: ConfigClient): boolean {
  const { clientLanguage, clientHostname, percentage } = choice;
  return (
    (clientLanguage === undefined ||
      clientLanguage.some((each) => each.toLowerCase() === LANGUAGE)) &&
    (clientHostname === undefined || clientHostname.includes(hostname)) &&
    (percentage === undefined || percentile < percentage)
  );
}

/** What is wrong with a choice, to be read after its index; null: nothing. */
function problemOf(choice: unknown): string | null {
  if (!isJsonObject(choice)) return " must be an object";
  const unknown = Object.keys(choice).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined)
    return ` has an unknown field ${JSON.stringify(unknown.slice(0, SHOWN_CHARS_MAX))}`;
  for (const field of ["clientLanguage", "clientHostname"] as const) {
    const list = choice[field];
    const isList = Array.isArray(list) && list.every((each) => typeof each === "string");
    if (list !== undefined && !isList) return `.${field} must be a list of strings`;
  }
  const { percentage } = choice;
  const isShare =
    Number.isInteger(percentage) && Number(percentage) >= 0 && Number(percentage) <= 100;
  if (percentage !== undefined && !isShare) return ".percentage must be a whole number up to 100";
  return isJsonObject(choice.serviceConfig) ? null : ".serviceConfig must be an object";
}
