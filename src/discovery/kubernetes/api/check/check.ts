/**
 * The questions of `fairlead check`: is the API server there, who are we to it, may we list and
 * watch, do the clocks agree. Answers are plain data; each one that is no has its remedy.
 *
 * What may be done is asked twice: by SelfSubjectAccessReview, which tells what RBAC says, and by
 * doing it, which tells what RBAC does not know, such as a proxy that holds watches back.
 */
import { type Clock, isJsonObject, type Logger, type Rng } from "../../../../base/index.ts";
import { KINDS, type KindName } from "../../objects.ts";
import type { ApiAccess } from "../config/access.ts";
import type { LoadClientNode } from "../credentials/plugin.ts";
import { ApiAccessError } from "../error.ts";
import { ApiClient } from "../http/client.ts";
import { type ApiFailure, accessText, newFailure, problemOf } from "../http/failure.ts";
import { cleanText, isText } from "../http/status.ts";
import { listPath, watchPath } from "../reflector/paths.ts";
import { readPage } from "../reflector/wire.ts";
import { type Asked, ask, tryWatch } from "./ask.ts";
import { accessRemedy, clockRemedy, credentialsRemedy, serverRemedy } from "./remedy.ts";

/** Clocks further apart make tokens and certificates fail that are good. */
const CLOCK_SKEW_MS_MAX = 10_000;

/** One question and its answer. */
export interface CheckStep {
  readonly name: string;
  /** What it is needed for can do without it. */
  readonly isOptional: boolean;
  readonly isGood: boolean;
  /** One clause for people. */
  readonly detail: string;
  /** Lines that say what to do; RBAC rules as YAML. Empty when all is well. */
  readonly fix: readonly string[];
}

/** All answers. */
export interface ApiCheck {
  /** Nothing that is needed failed. */
  readonly isGood: boolean;
  readonly server: string;
  readonly namespace: string;
  /** Kubernetes' version, such as "v1.36.4"; null when it is not known. */
  readonly version: string | null;
  /** What kind of credentials are used: "token file /var/run/...". */
  readonly credentials: string;
  /** Who we are to the server; null when it does not say. */
  readonly subject: { readonly username: string; readonly groups: readonly string[] } | null;
  /** The server's clock minus ours, to about a second; null when it is not known. */
  readonly clockSkewMs: number | null;
  readonly steps: readonly CheckStep[];
}

/** What the check needs from outside. */
export interface CheckDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Loads `@kubernetes/client-node`; for tests. */
  readonly loadClientNode?: LoadClientNode | undefined;
}

/** What is read, and whether discovery can do without. */
const READ: readonly { readonly kind: KindName; readonly isOptional: boolean }[] = [
  { kind: "EndpointSlice", isOptional: false },
  { kind: "Service", isOptional: true },
  { kind: "Node", isOptional: true },
];

/** Asks all questions about one namespace. Never rejects; it changes nothing in the cluster. */
export async function checkApi(
  access: ApiAccess,
  namespace: string,
  deps: CheckDeps,
): Promise<ApiCheck> {
  const { server } = access.cluster;
  const blank = { server, namespace, version: null, subject: null, clockSkewMs: null };
  let client: ApiClient;
  try {
    client = new ApiClient(access, deps);
  } catch (error) {
    if (!(error instanceof ApiAccessError)) throw error;
    const step = bad("credentials", error.message, ["mend what the sentence names"]);
    return { ...blank, isGood: false, credentials: "none that can be used", steps: [step] };
  }
  try {
    return await checkWith(client, access, namespace, deps.clock);
  } finally {
    client.close();
  }
}

async function checkWith(
  client: ApiClient,
  access: ApiAccess,
  namespace: string,
  clock: Clock,
): Promise<ApiCheck> {
  const version = await ask(client, "GET", "/version");
  const release = versionOf(client, version.value);
  const skewMs = skewOf(version, clock.wallMs());
  // Without credentials nothing was sent, so that nothing is known of the server.
  const isSent = !version.failure?.isInvalid;
  const first = isSent
    ? serverStep(version, access, release)
    : credentialsStep(client, version, null);
  const steps: CheckStep[] = [first];
  let subject: ApiCheck["subject"] = null;
  if (version.failure === null || version.failure.status > 0) {
    const review = await ask(client, "POST", `${AUTHENTICATION}/selfsubjectreviews`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "SelfSubjectReview",
    });
    subject = subjectOf(client, review.value);
    steps.push(credentialsStep(client, review, subject));
    const kinds = READ.map((read) =>
      kindStep(client, read, namespace, subject?.username ?? null, clock),
    );
    steps.push(...(await Promise.all(kinds)), clockStep(skewMs));
  }
  return {
    isGood: steps.every(({ isGood, isOptional }) => isGood || isOptional),
    server: access.cluster.server,
    namespace,
    version: release,
    credentials: client.credentials.description,
    subject,
    clockSkewMs: skewMs,
    steps,
  };
}

const AUTHENTICATION = "/apis/authentication.k8s.io/v1";
const ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

function serverStep({ failure }: Asked, access: ApiAccess, release: string | null): CheckStep {
  if (failure === null) {
    return good("server", `${access.description} answers, version ${release ?? "unknown"}`);
  }
  // Even "no" is an answer: somebody is there, and the next questions tell the rest.
  if (failure.status > 0) return good("server", `${access.description} answers ${failure.status}`);
  return bad("server", failure.reason, serverRemedy(access));
}

function credentialsStep(
  client: ApiClient,
  { failure }: Asked,
  subject: ApiCheck["subject"],
): CheckStep {
  const { description } = client.credentials;
  if (subject !== null) return good("credentials", `${description}: we are ${subject.username}`);
  if (failure !== null && (failure.status === 401 || failure.isInvalid)) {
    const reason = failure.isInvalid ? failure.reason : `${description}: refused with 401`;
    return bad("credentials", reason, credentialsRemedy(description));
  }
  // Before 1.28 nobody can be asked; that says nothing about the credentials.
  return good("credentials", `${description}: the server does not say who we are`);
}

async function kindStep(
  client: ApiClient,
  { kind, isOptional }: (typeof READ)[number],
  namespace: string,
  username: string | null,
  clock: Clock,
): Promise<CheckStep> {
  const of = KINDS[kind];
  const place = of.isNamespaced ? namespace : "";
  const query = { kind, namespace: place, name: null, label: null } as const;
  const [mayList, mayWatch, list] = await Promise.all([
    isAllowed(client, kind, place, "list"),
    isAllowed(client, kind, place, "watch"),
    ask(client, "GET", listPath(query, 1, "")),
  ]);
  const name = of.plural;
  const failed = (verb: "list" | "watch", failure: ApiFailure): CheckStep => {
    const { kind: problem, reason } = problemOf(failure, { verb, kind: of, namespace: place });
    const fix = problem === "forbidden" ? accessRemedy(of, place, username) : [];
    return { name, isOptional, isGood: false, detail: reason, fix };
  };
  if (list.failure !== null) return failed("list", list.failure);
  const page = readPage(list.value);
  if (page === null) {
    const reason = "the API server answers a list with something that is no list";
    return failed("list", newFailure({ reason }));
  }
  const failure = await tryWatch(client, watchPath(query, page.resourceVersion, 1), clock);
  if (failure !== null) return failed("watch", failure);
  // An authorizer may know better than what was just let through, as after a change of rules.
  const denied = (["list", "watch"] as const).filter(
    (_verb, i) => [mayList, mayWatch][i] === false,
  );
  if (denied.length > 0) {
    const detail = `allowed just now, but reviewed as forbidden: ${denied.join(", ")}`;
    return { name, isOptional, isGood: false, detail, fix: accessRemedy(of, place, username) };
  }
  const where = accessText({ verb: "list", kind: of, namespace: place }).replace(
    "list",
    "list, watch",
  );
  return { ...good(name, `${where}: allowed, and works`), isOptional };
}

/** What the authorizer says; null when it cannot be asked. */
async function isAllowed(
  client: ApiClient,
  kind: KindName,
  namespace: string,
  verb: string,
): Promise<boolean | null> {
  const { group, plural } = KINDS[kind];
  const { value } = await ask(client, "POST", ACCESS_REVIEWS, {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { namespace, verb, group, resource: plural } },
  });
  const status = isJsonObject(value) && isJsonObject(value.status) ? value.status : {};
  return typeof status.allowed === "boolean" ? status.allowed : null;
}

function clockStep(skewMs: number | null): CheckStep {
  if (skewMs === null) return good("clock", "the server does not tell its time");
  const seconds = Math.round(skewMs / 1000);
  const detail =
    seconds === 0
      ? "the server's clock agrees with ours"
      : `the server's clock is ${Math.abs(seconds)} s ${seconds < 0 ? "behind" : "ahead"}`;
  if (Math.abs(skewMs) <= CLOCK_SKEW_MS_MAX) return good("clock", detail);
  return { ...bad("clock", detail, clockRemedy()), isOptional: true };
}

/** `Date` has whole seconds: the middle of its second is taken. */
function skewOf({ date }: Asked, wallMs: number): number | null {
  const serverMs = date === null ? Number.NaN : Date.parse(date);
  return Number.isNaN(serverMs) ? null : serverMs + 500 - wallMs;
}

/** A text of the server, for a terminal: one line, without our token. */
function lineOf(client: ApiClient, text: string): string {
  return cleanText(client.redaction.clean(text));
}

function versionOf(client: ApiClient, value: unknown): string | null {
  return isJsonObject(value) && isText(value.gitVersion) ? lineOf(client, value.gitVersion) : null;
}

function subjectOf(client: ApiClient, value: unknown): ApiCheck["subject"] {
  const status = isJsonObject(value) && isJsonObject(value.status) ? value.status : {};
  const info = isJsonObject(status.userInfo) ? status.userInfo : {};
  if (!isText(info.username)) return null;
  const groups = Array.isArray(info.groups) ? info.groups.filter(isText) : [];
  return {
    username: lineOf(client, info.username),
    groups: groups.map((group) => lineOf(client, group)),
  };
}

function good(name: string, detail: string): CheckStep {
  return { name, isOptional: false, isGood: true, detail, fix: [] };
}

function bad(name: string, detail: string, fix: readonly string[]): CheckStep {
  return { name, isOptional: false, isGood: false, detail, fix };
}
