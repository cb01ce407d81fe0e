/**
 * Folds text for comparison: case and Unicode composition are ignored. The *_folded columns hold this form, so that every database compares alike.
 * A Σ becomes ς at the end of a word and σ elsewhere; both are folded to σ, so that every part of a name matches it.
 */
export const fold = (text: string): string => text.normalize('NFC').toLowerCase().replaceAll('ς', 'σ');

/** Replaces what PostgreSQL's text type cannot hold, NUL and lone surrogates, by U+FFFD. Texts from outside may have either. */
export const replaceUnstorable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

/** The longest e-mail address that is accepted, in characters: 64 for the local part, 255 for the domain (RFC 5321, 4.5.3.1) and the @. */
export const MAX_EMAIL_LENGTH = 320;

/** Whether the text has the form of an e-mail address: one @ between two parts without white space or control characters. */
export const isEmail = (text: string): boolean => /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(text);

/** Whether the text has the form of a user principal name: like an e-mail address, but the domain has a dot. */
export const isUserPrincipalName = (text: string): boolean => /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text);

/** A phone number: 3 to 18 digits with an optional leading +, and any spaces, dashes, dots and parentheses between them (REST.md, Requests). */
export const PHONE_NUMBER =
  /^\(?\+?[ (\u00a0\u2000-\u200a\u202f]*[0-9](?:[-. ()\u00a0\u2000-\u200a\u2010-\u2015\u202f\u2212]*[0-9]){2,17}\)?$/;

/** Whether the text has the form of a phone number. */
export const isPhoneNumber = (text: string): boolean => PHONE_NUMBER.test(text);

/** Returns the folded domain of a Microsoft address: the part after its last @, or empty text if it has none. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? '' : fold(address.slice(at + 1));
}
