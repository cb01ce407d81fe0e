import { columnOf, condition, type Values } from './conditions.ts';
import { isEqual, type Part, pastIn, prefixOf } from './where-parts.ts';

/**
 * Writes the range of an index. Neither the field before the order nor the order's own is compared by `=`: PostgreSQL would ignore it in ORDER BY, and
 * could then walk along an index that does not have it.
 * @param place the value of `by` as SQL
 */
export function rangeTexts(
  by: string | undefined,
  place: string | undefined,
  order: string,
  ranges: readonly Part[],
  prefix: string | undefined,
  values: Values,
): string[] {
  const texts: string[] = [];
  const column = columnOf(order);
  // Without a field before the order, a cursor's own condition is where the index starts.
  const { from, to, before } = boundsOf(by === undefined ? ranges.filter((part) => !pastIn(part)) : ranges, order, prefix);
  if (by !== undefined) {
    texts.push(
      from === undefined ? `${columnOf(by)} >= ${place}` : `(${columnOf(by)}, ${column}) >= (${place}, ${values.add(from)})`,
      to === undefined ? `${columnOf(by)} <= ${place}` : `(${columnOf(by)}, ${column}) <= (${place}, ${values.add(to)})`,
    );
  } else {
    if (from !== undefined) texts.push(`${column} >= ${values.add(from)}`);
    if (to !== undefined) texts.push(`${column} <= ${values.add(to)}`);
  }
  if (before !== undefined) texts.push(`${column} < ${values.add(before)}`);
  for (const range of ranges) if (prefixOf(range, order) === undefined && !isEqual(range, order)) texts.push(condition(range, values));
  return texts;
}

type Comparable = string | Date;

/** The narrowest bounds of all ranges. `before` is exclusive. */
function boundsOf(
  ranges: readonly Part[],
  order: string,
  branch: string | undefined,
): { from?: Comparable; to?: Comparable; before?: string } {
  let from: Comparable | undefined;
  let to: Comparable | undefined;
  let before: string | undefined;
  const atLeast = (value: Comparable) => {
    if (from === undefined || isLess(from, value)) from = value;
  };
  const atMost = (value: Comparable) => {
    if (to === undefined || isLess(value, to)) to = value;
  };
  for (const prefix of [branch, ...ranges.map((range) => prefixOf(range, order))]) {
    if (prefix === undefined) continue;
    atLeast(prefix);
    const next = afterPrefix(prefix);
    if (next !== undefined && (before === undefined || isLess(next, before))) before = next;
  }
  for (const range of ranges) {
    const past = pastIn(range);
    if (past) (past.isDescending ? atMost : atLeast)(past.value);
    if (isEqual(range, order)) {
      atLeast(range[order] as string);
      atMost(range[order] as string);
    }
    const { gte, gt, lte, lt } = (range[order] ?? {}) as Record<string, Comparable | undefined>;
    for (const value of [gte, gt]) if (value !== undefined) atLeast(value);
    for (const value of [lte, lt]) if (value !== undefined) atMost(value);
  }
  return { from, to, before };
}

/** Compares as PostgreSQL does: texts by the bytes of UTF-8. */
const isLess = (one: Comparable, other: Comparable): boolean =>
  typeof one === 'string' ? Buffer.compare(Buffer.from(one), Buffer.from(other as string)) < 0 : one < other;

/** Returns the least text that is greater than all with this prefix; `undefined` if there is none. */
function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) as number);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // Surrogates are no characters.
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}
