/**
 * One short-lived certificate for the loads with TLS: every proxy gets the same.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../test/support/certificates.ts";

/** Writes a certificate for 127.0.0.1 and its key into `dir`; their paths. */
export async function makeCertificate(
  dir: string,
): Promise<{ readonly certFile: string; readonly keyFile: string }> {
  const authority = await createAuthority("fairlead bench");
  const pair = await authority.issue({ names: ["localhost", "127.0.0.1"] });
  const [certFile, keyFile] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  writeFileSync(certFile, pair.cert);
  writeFileSync(keyFile, pair.key);
  return { certFile, keyFile };
}
