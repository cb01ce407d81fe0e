/** Text as it is compared: case and composition do not count. The *_folded columns hold it, so that every database compares alike. */
export const fold = (text: string): string => text.normalize('NFC').toLowerCase();

/** What follows the last @ of a Microsoft address, folded; empty where there is none. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? '' : fold(address.slice(at + 1));
}
