/** One HTTP request over a connection that the caller opens, for admin endpoints inside. */
import http from "node:http";
import type { Socket } from "node:net";

/** GETs a path and parses the answer. */
export function getJson(dial: () => Socket, path: string): Promise<unknown> {
  return new Promise((done, failed) => {
    const request = http.get({ path, host: "inside", createConnection: dial }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", failed);
      response.on("end", () => {
        try {
          done(JSON.parse(text));
        } catch {
          failed(new Error(`GET ${path}: ${response.statusCode} ${text.slice(0, 500)}`));
        }
      });
    });
    request.on("error", failed);
  });
}
