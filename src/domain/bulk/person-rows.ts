import { type Message, Prisma } from '../../../prisma/client/client.ts';
import { condition, Values } from '../../database/lists/conditions.ts';
import { columnList } from '../../database/lists/select.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';
import { addressesOf, type Person } from '../privacy/person.ts';
import { tracesOf } from '../privacy/traces.ts';

/** How many messages a statement reads. */
const BATCH = 500;
const FIELDS = Object.values(Prisma.MessageScalarFieldEnum).filter(
  (field) => !/Folded$|^(organizationSid|statusRank|listedStatus|statusAsked|formerRestcommSids)$/.test(field),
);

/**
 * Writes what the gateway has of a person in the caller's reach, as JSON lines: `record` says what a line is, and the others are its fields. The
 * messages come last. Not among them: texts of the bot that name a number, which are deleted after a week.
 */
export async function* personLines(
  gateway: Gateway,
  caller: Caller,
  person: Person & { readonly enterpriseSid: string | null },
): AsyncGenerator<string> {
  const { prisma } = gateway;
  const { phoneFolded, microsoftAddressFolded, microsoftObjectId, enterpriseSid } = person;
  const within = { ...belonging(caller), ...(enterpriseSid && { enterpriseSid }) };
  if (phoneFolded) {
    for (let after = ''; ; ) {
      const found = await prisma.conversation.findMany({
        where: { ...within, phoneFolded, sid: { gt: after } },
        orderBy: { sid: 'asc' },
        take: BATCH,
      });
      yield linesOf('conversation', found);
      if (found.length < BATCH) break;
      after = found.at(-1)?.sid as string;
    }
  }
  const OR = [
    ...(phoneFolded ? [{ externalDigits: phoneFolded }] : []),
    ...(microsoftAddressFolded ? [{ microsoftAddressFolded }] : []),
    ...(microsoftObjectId ? [{ microsoftObjectId }, { microsoftAddressFolded: microsoftObjectId }] : []),
  ];
  yield linesOf('mapping', await prisma.mapping.findMany({ where: { ...within, OR }, omit: { webhookKeyId: true } }));
  const traces = tracesOf(person);
  yield linesOf('releasedMapping', await prisma.releasedMapping.findMany({ where: { AND: [within, traces.releasedMapping] } }));
  yield linesOf('teamsConversation', await prisma.teamsConversation.findMany({ where: { AND: [within, traces.teamsConversation] } }));
  yield linesOf('teamsInstallation', await prisma.teamsInstallation.findMany({ where: { AND: [within, traces.teamsInstallation] } }));
  yield linesOf('heldText', await prisma.heldText.findMany({ where: { AND: [within, traces.heldText] }, omit: { seq: true } }));
  const admins = await prisma.enterpriseAdmin.findMany({
    where: { AND: [within, traces.enterpriseAdmin] },
    select: { sid: true, enterpriseSid: true, microsoftTenantId: true, microsoftObjectId: true, dateMicrosoftLinked: true },
  });
  yield linesOf('enterpriseAdmin', admins);
  const rows = await prisma.mappingImportRow.findMany({ where: { AND: [traces.mappingImportRow, { import: within }] } });
  yield linesOf('mappingImportRow', rows);
  for (const address of addressesOf(person)) {
    for (const column of ['fromFolded', 'toFolded'] as const) {
      for (let after = ''; ; ) {
        const found = await readMessages(gateway, { ...within, [column]: address, sid: { gt: after } });
        yield linesOf('message', found);
        if (found.length < BATCH) break;
        after = found.at(-1)?.sid as string;
      }
    }
  }
}

/** Reads messages by an address and in the order of their sids, to which an index leads. */
function readMessages({ sql }: Gateway, where: object): Promise<Message[]> {
  const values = new Values();
  return sql.query<Message>(
    `SELECT ${columnList(FIELDS)} FROM message WHERE ${condition(where, values)} ORDER BY sid LIMIT ${BATCH}`,
    values.given,
  );
}

const linesOf = (record: string, rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify({ record, ...row }, (name, value) => (/Folded$/.test(name) ? undefined : value))}\n`).join('');
