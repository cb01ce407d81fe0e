import type { Caller } from './caller.ts';

// Every read and write has one of these conditions, so that credentials reach only their organization, or the one enterprise that they are
// restricted to.

/** The condition on rows that belong to an enterprise: mappings, bots, messages, admins. */
export const belonging = ({ organizationSid, enterpriseSid }: Caller) =>
  enterpriseSid ? { organizationSid, AND: [{ enterpriseSid }] } : { organizationSid };

/** The condition on accounts: those of the organization, or of those only the caller's and those that created what restricted credentials reach. */
export const accounts = ({ organizationSid, accountSid, enterpriseSid }: Caller) =>
  enterpriseSid
    ? {
        organizationSid,
        OR: [
          { sid: accountSid },
          { enterprises: { some: { sid: enterpriseSid } } },
          { mappings: { some: { enterpriseSid } } },
          { bots: { some: { enterpriseSid } } },
        ],
      }
    : { organizationSid };

/** The condition on enterprises themselves. */
export const enterprises = ({ organizationSid, enterpriseSid }: Caller) =>
  enterpriseSid ? { organizationSid, AND: [{ sid: enterpriseSid }] } : { organizationSid };
