/**
 * A file that somebody named, or what comes on standard input, as one text of bounded size.
 */
import { createReadStream } from "node:fs";
import { CommandError } from "./usage.ts";

/**
 * Reads `file`, "-" for standard input, as UTF-8.
 * @param name as an error names it.
 * @throws CommandError (rejects) when it cannot be read, or has more than `bytesMax`.
 */
export async function readWhole(file: string, name: string, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    const stream = file === "-" ? process.stdin : createReadStream(file);
    for await (const chunk of stream) {
      bytes += chunk.length;
      if (bytes > bytesMax) break;
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(
      `${name}: cannot be read: ${code === "ENOENT" ? "no such file" : message}`,
    );
  }
  if (bytes > bytesMax) throw new CommandError(`${name}: more than ${bytesMax} bytes`);
  return Buffer.concat(chunks).toString("utf8");
}
