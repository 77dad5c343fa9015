/**
 * What a caller asks of a pod, and how the pod is known by its answer. An answer that is not what
 * was asked for is a failed call, so calls that are counted are calls that were answered rightly.
 *
 * Pure, but for the name of this host.
 */
import type { CalledMethods } from "../messages.ts";
import { METHODS, type PodMethod } from "../pods/pod-services.ts";

/** A call. */
export interface Asked {
  readonly definition: PodMethod["definition"];
  readonly text: string;
  /**
   * The pod, by the answer and the header `hostname` ("" without); null: it is no answer to this.
   */
  podOf(answer: string, hostname: string): string | null;
}

const ofPath = (path: string): PodMethod["definition"] => {
  const found = METHODS.find(({ definition }) => definition.path === path);
  if (found === undefined) throw new Error(`${path}: pods have no such method`);
  return found.definition;
};
const SAY = ofPath("/fairlead.lab.Echo/Say");
const PING = ofPath("/pet.service.v1.PetService/Ping");
const ECHO = ofPath("/api.Echo/Echo");
const REVERSE = ofPath("/api.Reverse/Reverse");

/**
 * The call of a number, from 0.
 *
 * @param second of this clock, whole; `host` is the client's name.
 */
export function asked(
  calls: CalledMethods,
  number: number,
  { host, second }: { readonly host: string; readonly second: number },
): Asked {
  if (calls === "say") {
    return { definition: SAY, text: "lab", podOf: (answer) => answer };
  }
  if (calls === "ping") {
    // The client of the pets logs `resp: <client host>, <second>, <server host>`.
    const text = `${host}, ${second}`;
    const podOf = (answer: string): string | null =>
      answer.startsWith(`${text}, `) ? answer.slice(text.length + 2) : null;
    return { definition: PING, text, podOf };
  }
  const text = `call ${number}`;
  const isReversed = number % 2 === 1;
  const expected = isReversed ? [...text].toReversed().join("") : text;
  const podOf = (answer: string, hostname: string): string | null =>
    answer === expected && hostname !== "" ? hostname : null;
  return { definition: isReversed ? REVERSE : ECHO, text, podOf };
}
