import { createHash, randomBytes } from 'node:crypto';

/** OR organization, EN enterprise, BE mapping or bot, MS message, RCS enterprise admin (REST.md, Answers); AT access token and AU audit record, our own. */
export type SidPrefix = 'OR' | 'EN' | 'BE' | 'MS' | 'RCS' | 'AT' | 'AU';

/** A new sid: the prefix and 32 random lower-case hex digits. */
export const newSid = (prefix: SidPrefix): string => prefix + randomBytes(16).toString('hex');

/** A sid as it can be looked up. No sid holds a NUL or half a character and PostgreSQL takes none, so one with it is made one that is simply not found. */
export const sought = (sid: string): string => sid.trim().replaceAll('\0', '\uFFFD').toWellFormed();

/** An account's sid as Restcomm makes it: AC and the md5 of the lower-case e-mail address. A name, not a secret. */
export const accountSid = (email: string): string => `AC${createHash('md5').update(email.trim().toLowerCase()).digest('hex')}`;
