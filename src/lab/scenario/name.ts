/** Names of scenarios and of their lanes: they become words of reports and of the command line. */

/** For the sentence of what is allowed. */
export const NAME_FORM = "a word of small letters, digits and dashes, up to 40 characters";

/** The name; null when it is none. */
export function parseName(text: string): string | null {
  return /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(text) ? text : null;
}
