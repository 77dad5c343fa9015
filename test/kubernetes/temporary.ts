/** Directories of tests that are gone when their user or this process is, however that ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const held = new Set<string>();
let isGuarding = false;

/** Makes one. `release` removes it. */
export function temporaryDirectory(): { readonly path: string; release(): void } {
  guardExit();
  const path = mkdtempSync(join(tmpdir(), "fairlead-kubernetes-"));
  held.add(path);
  return { path, release: () => remove(path) };
}

function remove(path: string): void {
  if (held.delete(path)) rmSync(path, { recursive: true, force: true });
}

function guardExit(): void {
  if (isGuarding) return;
  isGuarding = true;
  const removeAll = () => [...held].forEach(remove);
  process.on("exit", removeAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      removeAll();
      // Others may listen too, and end this process; when nobody is left, we do.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}
