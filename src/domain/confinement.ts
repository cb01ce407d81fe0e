import type { Caller } from './caller.ts';

// Every read and write is confined by one of these two, so that credentials reach only their organization, or the one enterprise that they are
// narrowed to.

/** The condition on rows that belong to an enterprise: mappings, bots, messages, admins. */
export const belonging = ({ organizationSid, enterpriseSid }: Caller) =>
  enterpriseSid ? { organizationSid, AND: [{ enterpriseSid }] } : { organizationSid };

/** The condition on enterprises themselves. */
export const enterprises = ({ organizationSid, enterpriseSid }: Caller) =>
  enterpriseSid ? { organizationSid, AND: [{ sid: enterpriseSid }] } : { organizationSid };
