import { createHash, randomBytes } from 'node:crypto';
import { replaceUnstorable } from './text.ts';

/**
 * The prefix of a sid names its type: OR organization, EN enterprise, BE mapping or bot, MS message, RCS enterprise admin (REST.md, Answers); AT access
 * token, AU audit record, BC credential of a bot, CV conversation, ER erasure, EX export, IM import and WH webhook endpoint are
 * the gateway's own.
 */
export type SidPrefix = 'OR' | 'EN' | 'BE' | 'MS' | 'RCS' | 'AT' | 'AU' | 'BC' | 'CV' | 'ER' | 'EX' | 'IM' | 'WH';

/** Makes a sid: the prefix and 32 random lower-case hex digits. */
export const newSid = (prefix: SidPrefix | 'AC'): string => prefix + randomBytes(16).toString('hex');

/**
 * Prepares a caller's sid for a lookup: trims it and replaces NUL and lone surrogates, which PostgreSQL refuses, by U+FFFD. No stored sid contains
 * that character, so a malformed sid is not found instead of failing.
 */
export const normalizeSid = (sid: string): string => replaceUnstorable(sid.trim());

/** Whether the text is a well-formed sid of this type. `AC` is the prefix of accounts, whose sids Restcomm makes, or `createAccount`. */
export const isSid = (prefix: SidPrefix | 'AC', text: string): boolean =>
  text.startsWith(prefix) && /^[0-9a-f]{32}$/.test(text.slice(prefix.length));

/** Returns Restcomm's sid of the account with this e-mail address: AC and the md5 of the lower-case address. It is an identifier, not a secret. */
export const accountSid = (email: string): string => `AC${createHash('md5').update(email.trim().toLowerCase()).digest('hex')}`;
