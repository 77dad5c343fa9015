/**
 * What a newcomer reads first: what goes wrong, and what the signs mean. Beside it how the lab
 * stands, who carries the ClusterIP, and what the lab itself costs.
 */
import { clockText } from "../src/lab/figures/number-words.ts";
import type { Hello, Sample } from "../src/lab/page/page-feed.ts";
import { link } from "./feed.ts";
import { Sign } from "./sign.tsx";

/** Properties of `Header`. */
export interface HeaderProps {
  readonly start: Hello;
  readonly now: Sample;
}

/** Draws it. */
export function Header({ start, now }: HeaderProps) {
  const ready = now.pods.filter(({ state }) => state === "ready").length;
  return (
    <header class="page-head">
      <div>
        <h1>
          fairlead lab <span>which pod gets the calls?</span>
        </h1>
        <p class="lede">
          gRPC keeps <strong>one connection</strong>. A ClusterIP Service picks one pod{" "}
          <strong>per connection</strong>, so <strong>one pod gets every call</strong>. Below, each
          way of calling has the same load on the same pods: <Sign kind="good" /> spreads it,{" "}
          <Sign kind="bad" /> does not.
        </p>
      </div>
      <dl class="state">
        <Fact name="pods">
          {ready === now.wantedPods ? ready : `${ready} of ${now.wantedPods}`} ready
        </Fact>
        <Fact name="time">{now.elapsedMs === 0 ? "–" : clockText(now.elapsedMs)}</Fact>
        <Fact name="ClusterIP by">
          {start.clusterIpBy === "nftables"
            ? "nftables rules of the kernel"
            : "a relay that picks as kube-proxy does"}
        </Fact>
        <Fact name="the lab itself">{Math.round(now.load.overheadCpu * 100)}% of a core</Fact>
      </dl>
    </header>
  );
}

function Fact({ name, children }: { readonly name: string; children: preact.ComponentChildren }) {
  return (
    <div data-fact={name}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** How the lab stands, if not as usual. */
export function Notice({ now }: { readonly now: Sample }) {
  const text = noticeText(now);
  return (
    <p class={text === "" ? "notice none" : "notice"} role="status">
      {text}
    </p>
  );
}

function noticeText({ progress, load, problem }: Sample): string {
  if (link.value === "ended") {
    return "The lab has ended. These are its last figures; the next lab on this address shows here.";
  }
  if (link.value === "lost") return "No word from the lab. Trying to connect again …";
  if (progress !== null) return `The lab is ${progress} …`;
  if (load.heldBackTo !== null) {
    const { heldBackTo, callsPerSecond } = load;
    return `This machine is short: every lane is held back to ${heldBackTo} of ${callsPerSecond} calls a second, so that the picture stays true.`;
  }
  return problem ?? "";
}
