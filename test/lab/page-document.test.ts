/**
 * The document of the page as browsers get it: small, whole, and asking no one for anything.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { bundlePage } from "../../web/bundle.ts";

const BROTLI_BYTES_MAX = 80_000;

test("the page is one document of at most 80 kB, with everything inside", async () => {
  const document = await bundlePage();
  const bytes = brotliCompressSync(document).length;
  assert.ok(bytes <= BROTLI_BYTES_MAX, `${bytes} bytes`);
  assert.equal(document.match(/<script>/g)?.length, 1);
  assert.equal(document.match(/<style>/g)?.length, 1);
  assert.doesNotMatch(document, /<(script|link|img)[^>]+(src|href)="(?!data:)/);
  assert.doesNotMatch(document, /@import|url\((?!data:)/);
});
