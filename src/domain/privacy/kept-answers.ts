import { type PersonErasure, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { addressesOf } from './person.ts';

/** What stands in place of a person's address where a row needs one. */
export const ERASED = 'erased';

/** The fields of a message and of a mapping that have a person's data, emptied. */
const MESSAGE = {
  ...{ from: ERASED, fromFolded: ERASED, to: ERASED, toFolded: ERASED, body: '', mediaUrls: [] },
  ...{ mappingSid: null, teamsConversationId: null, teamsActivityId: null, channelErrorMessage: null },
};
const MAPPING = {
  ...{ name: ERASED, nameFolded: ERASED, microsoftAddress: ERASED, microsoftAddressFolded: ERASED, microsoftDomain: ERASED },
  ...{ microsoftObjectId: null, externalAddress: ERASED, externalDigits: ERASED },
};

/**
 * Erases a person from the results that idempotency keys keep for a day (idempotency.ts). The keys stay: without them, a repeated request would send the
 * message again.
 */
export async function eraseKeptAnswers(prisma: PrismaClient, erasure: PersonErasure): Promise<void> {
  const { organizationSid, enterpriseSid, dateCreated, microsoftObjectId } = erasure;
  const addresses = addressesOf(erasure);
  const isFormer = Prisma.sql`date_created <= ${dateCreated}`;
  const ofEnterprise = Prisma.sql`(${enterpriseSid}::text IS NULL OR answer->'row'->>'enterpriseSid' = ${enterpriseSid})`;
  // A message that was retried since the request has a key that is newer than itself.
  const isFormerMessage = Prisma.sql`(${isFormer} OR (answer->'row'->'dateCreated'->>'$time')::timestamptz <= ${dateCreated})`;
  await prisma.$executeRaw`
    UPDATE idempotency_key SET answer = jsonb_set(answer, '{row}', (answer->'row') || ${MESSAGE}::jsonb)
    WHERE organization_sid = ${organizationSid} AND ${isFormerMessage} AND ${ofEnterprise} AND answer->'row' ? 'fromFolded'
      AND (answer->'row'->>'fromFolded' = ANY (${addresses}::text[]) OR answer->'row'->>'toFolded' = ANY (${addresses}::text[]))`;
  await prisma.$executeRaw`
    UPDATE idempotency_key SET answer = jsonb_set(answer, '{row}', (answer->'row') || ${MAPPING}::jsonb)
    WHERE organization_sid = ${organizationSid} AND ${isFormer} AND ${ofEnterprise} AND answer->'row' ? 'microsoftAddressFolded'
      AND (answer->'row'->>'externalDigits' = ANY (${addresses}::text[]) OR answer->'row'->>'microsoftAddressFolded' = ANY (${addresses}::text[])
        OR answer->'row'->>'microsoftObjectId' = ${microsoftObjectId})`;
  // The person whose data a link downloads. The link itself is gone (erase-elsewhere.ts).
  await prisma.$executeRaw`
    UPDATE idempotency_key SET answer = jsonb_set(answer, '{row,parameters}', '{}')
    WHERE organization_sid = ${organizationSid} AND ${isFormer} AND answer->'row'->>'kind' = 'exportPerson'
      AND (${enterpriseSid}::text IS NULL OR answer->'row'->>'confinedTo' = ${enterpriseSid}
        OR answer->'row'->'parameters'->>'enterpriseSid' = ${enterpriseSid})
      AND (answer->'row'->'parameters'->>'phoneFolded' = ANY (${addresses}::text[])
        OR answer->'row'->'parameters'->>'microsoftAddressFolded' = ANY (${addresses}::text[])
        OR answer->'row'->'parameters'->>'microsoftObjectId' = ANY (${addresses}::text[]))`;
  // A conflict's error has the conflicting value as the caller wrote it. Keys of credentials that are restricted to an enterprise begin with its sid.
  await prisma.$executeRaw`
    UPDATE idempotency_key SET answer = answer #- '{error,value}'
    WHERE organization_sid = ${organizationSid} AND ${isFormer} AND (${enterpriseSid}::text IS NULL OR starts_with(key, ${enterpriseSid})) AND answer->'error' ? 'value'
      AND (lower(answer->'error'->>'value') = ANY (${addresses}::text[])
        OR regexp_replace(answer->'error'->>'value', '\\D', '', 'g') = ANY (${addresses}::text[]))`;
}
