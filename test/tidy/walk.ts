/** Walking a syntax tree. */
import type { Node } from "typescript/unstable/ast";

/** Calls `visit` for each node below `node`, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  node.forEachChild((child) => {
    visit(child);
    walk(child, visit);
  });
}
