import { LRUCache } from 'lru-cache';
import { comparedForm, regionOf, toE164 } from './phone-numbers.ts';

/** A phone that exchanges messages with a mapped number. */
export interface Phone {
  /** What it is compared by: E.164's digits, a short code's digits, or a name folded. */
  readonly compared: string;
  /** What an SMS to it is addressed to: E.164 or a short code's digits; a name as it is, which the carrier cannot reach. */
  readonly dialled: string;
}

// Reading a number takes some ten µs, and conversations repeat theirs.
const phones = new LRUCache<string, Phone>({ max: 10_000 });
const regions = new LRUCache<string, string>({ max: 10_000 });

/**
 * Reads a phone's number in any spelling.
 * @param ownNumber the mapped number, whose region national numbers are of; without it, these keep their digits
 */
export function phoneOf(written: string, ownNumber?: string): Phone {
  // With a plus it is of no region.
  const region = ownNumber === undefined || written.startsWith('+') ? '' : regionOfOwn(ownNumber);
  const key = `${region}:${written}`;
  let phone = phones.get(key);
  if (!phone) {
    phone = read(written, region || undefined);
    phones.set(key, phone);
  }
  return phone;
}

function read(written: string, region: string | undefined): Phone {
  const number = toE164(written, region);
  if (number) return { compared: number.slice(1), dialled: number };
  const compared = comparedForm(written, region);
  return { compared, dialled: /^[0-9]+$/.test(compared) ? compared : written.trim() };
}

/** @returns empty where it has none */
function regionOfOwn(number: string): string {
  let region = regions.get(number);
  if (region === undefined) {
    region = regionOf(number) ?? '';
    regions.set(number, region);
  }
  return region;
}
