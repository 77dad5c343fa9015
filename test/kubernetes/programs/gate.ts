/**
 * A gate into a network namespace: runs inside, listens on a Unix socket, which is reached from
 * outside too, and joins each connection to the address that its first line names: "HOST PORT\n".
 */
import { connect, createServer, type Socket } from "node:net";

const [path] = process.argv.slice(2);

const server = createServer({ allowHalfOpen: true }, (outer) => {
  let head = Buffer.alloc(0);
  outer.on("error", () => outer.destroy());
  outer.on("data", function onHead(bytes: Buffer) {
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf(0x0a);
    if (end < 0) return;
    outer.removeListener("data", onHead);
    outer.pause();
    const [host, port] = head.subarray(0, end).toString().split(" ");
    join(outer, host, Number(port), head.subarray(end + 1));
  });
});

function join(outer: Socket, host: string, port: number, first: Buffer): void {
  const inner = connect({ host, port, noDelay: true, allowHalfOpen: true });
  inner.on("error", () => outer.destroy());
  outer.on("error", () => inner.destroy());
  outer.on("close", () => inner.destroy());
  inner.on("close", () => outer.destroy());
  inner.once("connect", () => {
    if (first.length > 0) inner.write(first);
    outer.pipe(inner);
    inner.pipe(outer);
  });
}

server.listen(path, () => console.log("ready"));
