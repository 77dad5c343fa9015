/**
 * What a resource asks for and is not done, for people. Not what makes it unusable: that is a
 * `FieldProblem`.
 */

/** Gathers notes of one resource. Each field is told once, where it is first, with how often. */
export class Notes {
  readonly #texts = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** @param field such as "query_parameters"; what is told of it is `path.field why`. */
  add(path: string, field: string, why = "is not applied"): void {
    const count = this.#counts.get(field) ?? 0;
    this.#counts.set(field, count + 1);
    if (count === 0) this.#texts.set(field, `${path === "" ? "" : `${path}.`}${field} ${why}`);
  }

  /** Those fields of a message that are set. */
  addSet(path: string, fields: readonly (readonly [field: string, isSet: boolean])[]): void {
    for (const [field, isSet] of fields) if (isSet) this.add(path, field);
  }

  /** In the order in which they were found. */
  list(): string[] {
    return [...this.#texts].map(([field, text]) => {
      const count = this.#counts.get(field)!;
      return count === 1 ? text : `${text} (${count} times in all)`;
    });
  }
}
