/**
 * `fairlead why --connections` at work: asks a running proxy for its client connections, and
 * prints them.
 */
import { type ConnectionsView, renderConnections, type TcpAddress } from "../proxy/index.ts";
import { askAdmin, notFairlead } from "./ask-admin.ts";
import { writeOut } from "./system.ts";

/**
 * Prints the client connections of the proxy with this admin address.
 * @returns the exit code.
 * @throws CommandError (rejects) when there is nothing to print.
 */
export async function runWhyConnections(
  admin: TcpAddress,
  output: "table" | "json",
): Promise<number> {
  const view = parseView(await askAdmin(admin, "/connections?format=json"));
  if (view === null) throw notFairlead(admin);
  await writeOut(
    output === "json" ? `${JSON.stringify(view, null, 2)}\n` : renderConnections(view),
  );
  return 0;
}

/** As far as it is printed: whatever listens there may not be fairlead. */
function parseView(body: string): ConnectionsView | null {
  try {
    const view = JSON.parse(body) as ConnectionsView;
    const { connections, peers, sheds, balance } = view;
    if (![connections, peers, sheds].every(Array.isArray) || balance === undefined) return null;
    renderConnections(view);
    return view;
  } catch {
    return null;
  }
}
