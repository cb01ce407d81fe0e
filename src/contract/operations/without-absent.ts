/** Copies an object without its null and undefined values: requests and responses leave them out (REST.md, Envelopes). */
export function withoutAbsent(values: Record<string, unknown>): Record<string, unknown> {
  const present: Record<string, unknown> = {};
  for (const name in values) if (values[name] !== null && values[name] !== undefined) present[name] = values[name];
  return present;
}
