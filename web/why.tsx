/**
 * The panel "why": why a pod gets calls of a lane, or none, as those who choose tell it; and the
 * lane's latest calls. It asks the lab every second while it is open, and the lab answers in
 * sentences: nothing is made up here.
 *
 * Beside the picture on a wide screen, so that one can act on the pods and watch what is said; over
 * all of it on a narrow one.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { clockText } from "../src/lab/figures/number-words.ts";
import type { CallsAnswer, WhyAnswer, WhyCall, WhyCommand, WhyRow } from "../src/lab/why/answer.ts";
import { millis } from "./words.ts";

const REFRESH_MS = 1000;
/** From this width on, the page can be used beside the panel. */
const BESIDE = "(min-width: 800px)";

/** Properties of `WhyPanel`. */
export interface WhyPanelProps {
  /** A lane's word: "clusterip". */
  readonly lane: string;
  /** Which pod is asked about; null for the lane as a whole. */
  readonly pod: string | null;
  onClose(): void;
}

/** Draws the panel, and asks. */
export function WhyPanel({ lane, pod, onClose }: WhyPanelProps) {
  const [asked, ask] = useState(pod);
  useEffect(() => ask(pod), [lane, pod]);
  const why = useAnswer<WhyAnswer>(pathOf(lane, asked));
  const dialog = useDialog(onClose);
  const answer = why.answer?.lane === lane ? why.answer : null;
  return (
    <dialog class="why" aria-labelledby="why-title" ref={dialog} onCancel={onClose}>
      <header>
        <h2 id="why-title" tabIndex={-1}>
          Why {asked ?? "these pods"}? <span class="lane-title">{answer?.title ?? lane}</span>
        </h2>
        <button type="button" aria-label="close" onClick={onClose}>
          ✕
        </button>
      </header>
      {why.problem !== null && (
        <p class="problem" role="status">
          {why.problem}
        </p>
      )}
      {answer && <Story answer={answer} />}
      {answer && <Rows rows={answer.rows} asked={asked} ask={ask} />}
      <Calls lane={lane} />
      {answer?.command && <Command command={answer.command} />}
    </dialog>
  );
}

function pathOf(lane: string, pod: string | null): string {
  const query = pod === null ? "" : `&pod=${encodeURIComponent(pod)}`;
  return `/why?lane=${encodeURIComponent(lane)}${query}`;
}

/** Opened as long as it is drawn; the focus goes in, and back to where it was. Esc closes. */
function useDialog(onClose: () => void) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const before = document.activeElement;
    const element = dialog.current!;
    if (matchMedia(BESIDE).matches) element.show();
    else element.showModal();
    element.querySelector<HTMLElement>("h2")?.focus();
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "Escape") close.current();
    };
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
      element.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return dialog;
}

interface Asked<T> {
  /** The latest, or null before the first. */
  readonly answer: T | null;
  /** Why there is no newer one, or null. */
  readonly problem: string | null;
}

/** Asks a path every second. */
function useAnswer<T>(path: string): Asked<T> {
  const [asked, set] = useState<Asked<T>>({ answer: null, problem: null });
  useEffect(() => {
    const end = new AbortController();
    let timer = 0;
    const ask = async (): Promise<void> => {
      const outcome = await answerOf<T>(path, end.signal);
      if (end.signal.aborted) return;
      set(({ answer }) => ({ answer: outcome.answer ?? answer, problem: outcome.problem }));
      timer = window.setTimeout(ask, REFRESH_MS);
    };
    void ask();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [path]);
  return asked;
}

async function answerOf<T>(path: string, signal: AbortSignal): Promise<Asked<T>> {
  try {
    const response = await fetch(path, { signal });
    const json = await response.json();
    if (response.ok) return { answer: json as T, problem: null };
    return { answer: null, problem: String((json as { error?: unknown }).error) };
  } catch {
    return { answer: null, problem: "no word from the lab" };
  }
}

function Story({ answer: { story, decision, policy } }: { readonly answer: WhyAnswer }) {
  return (
    <>
      <div class="story">
        {story.map((sentence, index) => (
          <p key={index}>{sentence}</p>
        ))}
      </div>
      {decision.length > 0 && (
        <>
          <h3>The decision{policy === null ? "" : `, policy ${policy}`}</h3>
          <ol class="steps">
            {decision.map(({ rule, effect }, index) => (
              <li key={index}>
                <b>{rule}</b>: {effect}
              </li>
            ))}
          </ol>
        </>
      )}
    </>
  );
}

/** What a row's sign says, for those who do not see it. */
const SIGNS = { used: ["●", "may get the next call"], not: ["○", "gets no call now"] } as const;

interface RowsProps {
  readonly rows: readonly WhyRow[];
  readonly asked: string | null;
  ask(pod: string | null): void;
}

function Rows({ rows, asked, ask }: RowsProps) {
  return (
    <>
      <h3>
        The pods, as who chooses has them
        {asked !== null && (
          <button type="button" class="link" onClick={() => ask(null)}>
            the lane as a whole
          </button>
        )}
      </h3>
      <table>
        <thead>
          <tr>
            <th scope="col">pod</th>
            <th scope="col">state</th>
            <th scope="col">calls</th>
            <th scope="col">open</th>
            <th scope="col">latency</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={`${row.via} ${row.pod}`} row={row} isAsked={row.pod === asked} ask={ask} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Row(props: Pick<RowsProps, "ask"> & { readonly row: WhyRow; readonly isAsked: boolean }) {
  const { row, isAsked, ask } = props;
  const [sign, meaning] = row.usable ? SIGNS.used : SIGNS.not;
  return (
    <tr class={isAsked ? "asked" : ""} aria-current={isAsked ? "true" : undefined}>
      <th scope="row">
        <button type="button" class="link" onClick={() => ask(row.pod)}>
          <span aria-hidden="true">{sign}</span> {row.pod}
        </button>
        <span class="visually-hidden">{meaning}</span>
        {row.via !== null && <span class="via">{row.via}</span>}
        <span class="reason">
          {row.address} {row.reason}; from: {row.source}
        </span>
      </th>
      <td>{row.state}</td>
      <td>{row.calls?.toLocaleString("en") ?? "–"}</td>
      <td>{row.activeCalls ?? "–"}</td>
      <td>{millis(row.latencyMs)}</td>
    </tr>
  );
}

/** The latest calls. Who looks at one of them sees the list stand still. */
function Calls({ lane }: { readonly lane: string }) {
  const { answer, problem } = useAnswer<CallsAnswer>(`/calls?lane=${encodeURIComponent(lane)}`);
  const [held, hold] = useState<readonly WhyCall[] | null>(null);
  const latest = answer?.calls ?? [];
  const calls = held ?? latest;
  /** Calls that were opened are closed when the list goes on. */
  const [turn, setTurn] = useState(0);
  const goOn = (): void => {
    hold(null);
    setTurn(turn + 1);
  };
  useEffect(goOn, [lane]);
  if (problem !== null && calls.length === 0) return null;
  return (
    <section
      class="calls"
      onPointerEnter={() => hold(held ?? latest)}
      onFocusIn={() => hold(held ?? latest)}
      onPointerLeave={(event) => {
        if (!event.currentTarget.contains(document.activeElement)) goOn();
      }}
    >
      <h3>
        The latest {calls.length} calls
        {held !== null && (
          <button type="button" class="link" onClick={goOn}>
            held while you look; go on
          </button>
        )}
      </h3>
      <ul key={turn}>
        {calls.map((call, index) => (
          <li key={index}>
            <details>
              <summary class={call.status === "OK" ? "" : "failed"}>
                <span>{clockText(call.atMs)}</span> <b>{call.pod || "nobody"}</b>{" "}
                <span>{millis(call.latencyMs)}</span> <span>{call.status}</span>
              </summary>
              {call.why.map((sentence, nth) => (
                <p key={nth}>{sentence}</p>
              ))}
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Command({ command: { text, says } }: { readonly command: WhyCommand }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [text]);
  // Only a page that the browser trusts may write there; the text can be marked in any.
  const copy = (): void => {
    navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => {},
    );
  };
  return (
    <p class="command">
      In a shell, <code>{text}</code>{" "}
      <button type="button" onClick={copy}>
        {isCopied ? "copied" : "copy"}
      </button>{" "}
      {says}.
    </p>
  );
}
