/** A link that the gateway has signed, at the address where this page reaches the gateway, whatever the prefix of both. */
export function linkHere(signed: string): string {
  const [path = ''] = /\/(exports|imports)\/[^/]+$/.exec(signed) ?? [];
  return new URL(`..${path}`, document.baseURI).href;
}

/** Downloads the file of a link that the gateway has signed. */
export function download(signed: string): void {
  const link = document.createElement('a');
  link.href = linkHere(signed);
  // A link that is refused then does not lead away from the page.
  link.download = '';
  link.click();
}
