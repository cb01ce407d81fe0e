/** The object without its null and undefined values: the contract leaves absent values out, of requests and of answers. */
export function present(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
}
