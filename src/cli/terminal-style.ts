/** What a terminal can show: colours, and characters beyond ASCII. */

/** Colours are for terminals, unless somebody asked for none. */
export function hasColour({ color }: { readonly color: boolean }): boolean {
  const { NO_COLOR, TERM } = process.env;
  return process.stdout.isTTY === true && color && !NO_COLOR && TERM !== "dumb";
}

/** Block characters are drawn unless the locale says that they cannot be. */
export function hasUnicode({ LC_ALL, LC_CTYPE, LANG, TERM }: NodeJS.ProcessEnv): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG || "";
  return TERM !== "linux" && TERM !== "dumb" && (locale === "" || /utf-?8/i.test(locale));
}
