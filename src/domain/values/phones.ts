import { comparedForm, regionOf, toE164 } from './phone-numbers.ts';

/** A phone that exchanges messages with a mapped number. */
interface Phone {
  /** What it is compared by: E.164's digits, a short code's digits, or a name folded. */
  readonly compared: string;
  /** What an SMS to it is addressed to: E.164 or a short code's digits; a name as it is, which the carrier cannot reach. */
  readonly dialled: string;
}

/**
 * Reads a phone's number in any spelling.
 * @param ownNumber the mapped number, whose region national numbers are of; without it, these keep their digits
 */
export function phoneOf(written: string, ownNumber?: string): Phone {
  // With a plus it is of no region.
  const region = ownNumber === undefined || written.startsWith('+') ? undefined : regionOf(ownNumber);
  const number = toE164(written, region);
  if (number) return { compared: number.slice(1), dialled: number };
  const compared = comparedForm(written, region);
  return { compared, dialled: /^[0-9]+$/.test(compared) ? compared : written.trim() };
}
