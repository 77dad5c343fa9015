/**
 * Bounds of what is kept for nodes: what they say of themselves (zone, node, namespace) is theirs
 * to invent. Beyond a bound all of it is forgotten, and made again for those who ask.
 */

/** Views of one generation, one for each place and sort of node that has asked. */
export const VIEWS_KEPT_MAX = 10_000;
/** Places for which the endpoints of one Service are kept, where the place matters. */
export const PLACES_KEPT_MAX = 1_000;
