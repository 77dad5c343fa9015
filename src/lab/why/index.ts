/**
 * Folder `lab/why`: why a pod gets calls of a lane, or none, from those that know.
 *
 * `answer.ts` is what is said, `messages.ts` what is asked of the lab's processes; `lane-why.ts`
 * gathers, `desk.ts` answers, `*-rows.ts` and `*-story.ts` find the words, and `ask.ts` is the door
 * for HTTP. Everything said is what somebody who knows has said, or what the lab measured.
 */
export type { CallsAnswer, WhyAnswer } from "./answer.ts";
export { type AskAnswer, ask } from "./ask.ts";
export { Asker } from "./asker.ts";
export type { Chooser, Chooses, GivenTo } from "./chooser.ts";
export { WhyDesk } from "./desk.ts";
export { LaneWhy } from "./lane-why.ts";
export type { Carried } from "./messages.ts";
export type { View } from "./view-rows.ts";
