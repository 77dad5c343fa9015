/**
 * Commands that do the same: for this lab the control that was last used or pointed at, and one that
 * starts a lab that does by itself what was done to this one.
 */
import { useState } from "preact/hooks";
import { curlCommand, labCommand, refusal, shown } from "../act.ts";

/** Draws both, and what the lab refused. */
export function Commands() {
  return (
    <div class="commands">
      <Command what="this lab" text={curlCommand(shown.value)} />
      <Command what="a new lab" text={labCommand(shown.value)} />
      <p class="refusal" role="status">
        {refusal.value === "" ? "" : `Not done: ${refusal.value}`}
      </p>
    </div>
  );
}

function Command({ what, text }: { readonly what: string; readonly text: string }) {
  const [copied, setCopied] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(text);
    } catch {
      // Without leave to write there, the text can be selected by hand.
    }
  };
  return (
    <p class="command">
      <span>same for {what}:</span> <code>{text}</code>{" "}
      <button
        type="button"
        class="small"
        aria-label={`copy the command for ${what}`}
        onClick={copy}
      >
        {copied === text ? "copied" : "copy"}
      </button>
    </p>
  );
}
