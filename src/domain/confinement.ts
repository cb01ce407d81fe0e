import type { Caller } from './caller.ts';

// Every read and write has one of these two conditions, so that credentials reach only their organization, or the one enterprise that they are
// restricted to.

/** The condition on rows that belong to an enterprise: mappings, bots, messages, admins. */
export const belonging = ({ organizationSid, enterpriseSid }: Caller) =>
  enterpriseSid ? { organizationSid, AND: [{ enterpriseSid }] } : { organizationSid };

/** The condition on enterprises themselves. */
export const enterprises = ({ organizationSid, enterpriseSid }: Caller) =>
  enterpriseSid ? { organizationSid, AND: [{ sid: enterpriseSid }] } : { organizationSid };
