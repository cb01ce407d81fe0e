/** The object without its null and undefined values: the contract leaves absent values out, of requests and of answers. */
export function present(values: Record<string, unknown>): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const name in values) if (values[name] !== null && values[name] !== undefined) given[name] = values[name];
  return given;
}
