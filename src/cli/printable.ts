/** Lines of a table that are safe to print, whatever a file or a server said. */

/** Lines with their ends; nothing in a line makes another one or moves a cursor. */
export function printable(lines: readonly string[]): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return lines.map((line) => `${line.replace(/[\x00-\x1f\x7f-\x9f]/g, "?")}\n`).join("");
}
