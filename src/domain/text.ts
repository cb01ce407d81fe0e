/**
 * Text as it is compared: case and composition do not count. The *_folded columns hold it, so that every database compares alike. A Σ at a word's
 * end becomes another small letter than elsewhere, so that a part of a name would not be found in it.
 */
export const fold = (text: string): string => text.normalize('NFC').toLowerCase().replaceAll('ς', 'σ');

/** What follows the last @ of a Microsoft address, folded; empty where there is none. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? '' : fold(address.slice(at + 1));
}
