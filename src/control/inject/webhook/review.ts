/**
 * Admission reviews (admission.k8s.io/v1): what an API server asks about a pod that is to be made,
 * and our answer, a JSON patch (RFC 6902).
 *
 * Pure. A review that makes no sense is refused with the reason; a pod that cannot be injected is
 * allowed as it is, with a warning that its creator sees.
 */
import { asJson, type Json } from "../../../base/index.ts";
import { type Edit, injection, type Path } from "../edits.ts";
import type { InjectOptions } from "../options.ts";

/** An answer of HTTP. */
export interface ReviewAnswer {
  readonly status: number;
  /** JSON for 200, else one sentence. */
  readonly body: string;
  /** For figures: what became of the pod. */
  readonly outcome: "injected" | "skipped" | "malformed";
}

const VERSION = "admission.k8s.io/v1";
/** Characters of a review's own that are said again in its answer; those of API servers have 36. */
const UID_CHARS_MAX = 256;

/** Answers one review. Never throws. */
export function answerReview(text: string, options: InjectOptions): ReviewAnswer {
  let review: Json;
  try {
    review = asJson(JSON.parse(text));
  } catch {
    return malformed("the body is not JSON");
  }
  if (review.kind !== "AdmissionReview" || review.apiVersion !== VERSION) {
    return malformed(`the body must be an AdmissionReview of ${VERSION}`);
  }
  const request = asJson(review.request);
  const { uid, object } = request;
  if (typeof uid !== "string" || uid === "") return malformed("request.uid is missing");
  if (uid.length > UID_CHARS_MAX)
    return malformed(`request.uid: more than ${UID_CHARS_MAX} characters`);
  const { kind, group } = asJson(request.kind);
  if (typeof kind !== "string") return malformed("request.kind.kind is missing");
  if (kind !== "Pod" || (group !== "" && group !== undefined)) {
    const shown = kind.slice(0, UID_CHARS_MAX);
    return answer(uid, {}, [`fairlead injects Pods, not ${shown}`], "skipped");
  }
  if (request.operation !== "CREATE") return answer(uid, {}, [], "skipped");
  if (Object.keys(asJson(object)).length === 0) return malformed("request.object is missing");
  const verdict = injection(object, options, []);
  if (verdict.kind === "skipped") {
    return answer(uid, {}, [`fairlead: the pod is not injected: ${verdict.reason}`], "skipped");
  }
  const patch = Buffer.from(JSON.stringify(verdict.edits.map(operationOf))).toString("base64");
  return answer(uid, { patchType: "JSONPatch", patch }, [], "injected");
}

function answer(
  uid: string,
  more: Json,
  warnings: readonly string[],
  outcome: ReviewAnswer["outcome"],
): ReviewAnswer {
  const told = warnings.length === 0 ? {} : { warnings };
  const response = { uid, allowed: true, ...more, ...told };
  const body = JSON.stringify({ apiVersion: VERSION, kind: "AdmissionReview", response });
  return { status: 200, body, outcome };
}

function malformed(reason: string): ReviewAnswer {
  return { status: 400, body: `fairlead: ${reason}\n`, outcome: "malformed" };
}

function operationOf(edit: Edit): Json {
  const path = pointerOf(edit.path);
  return edit.op === "remove" ? { op: "remove", path } : { op: edit.op, path, value: edit.value };
}

/** RFC 6901 §3. */
function pointerOf(path: Path): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
