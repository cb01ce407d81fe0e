/** A link that the gateway has signed, at the address where this page reaches the gateway, whatever the prefix of both. */
export function linkHere(signed: string): string {
  const [path = ''] = /\/(exports|imports)\/[^/]+$/.exec(signed) ?? [];
  return new URL(`..${path}`, document.baseURI).href;
}
