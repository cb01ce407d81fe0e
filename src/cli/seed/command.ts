import type { Prisma, PrismaClient } from '../../../prisma/client/client.ts';
import { ADVISORY_LOCKS } from '../../database/advisory-locks.ts';
import { bootstrapAccount, type IssuedAccount, insertAccount } from '../../domain/access/accounts.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { exitCodeOf, type Terminal, UsageError, withDatabase } from '../session.ts';
import { type DemoOrganization, demoData } from './data.ts';

const USAGE = `Fills the gateway's database (DATA_DIR or DATABASE_URL, SECRETS_KEY) with demo data: two organizations with accounts, enterprises in every
status, bots, mappings and messages of the last sixty days with their status histories.

  npm run seed

Prints the accounts and their auth tokens once. Changes nothing if the demo data exists. Creates all of it, or nothing.`;

/** Rows per INSERT. */
const BATCH = 1000;

/**
 * Runs `npm run seed`.
 * @returns the exit code, see exitCodeOf
 */
export function runSeed(args: readonly string[], terminal: Terminal): Promise<number> {
  return exitCodeOf(terminal, async () => {
    if (args.includes('--help') || args.includes('-h')) return terminal.print(USAGE);
    if (args.length > 0) throw new UsageError(USAGE);
    await withDatabase(terminal, { mayCreate: true }, async (session) => {
      const { bootstrapAccountSid, bootstrapAuthToken, bootstrapAccountEmail } = session.settings;
      // The gateway creates the configured first account only if there are no accounts, so it would not after this.
      if (bootstrapAccountSid ?? bootstrapAuthToken ?? bootstrapAccountEmail) {
        const first = await bootstrapAccount(session, session.settings);
        if (first?.authTokenMadeUp) terminal.print(`The first account: ${first.account.sid}:${first.authToken}\n`);
      }
      const issued = await seed(session, new Date());
      terminal.print(
        issued
          ? describe(issued)
          : 'The demo data exists already; nothing was changed. `npm run account -- rotate SID` replaces the token of an account.',
      );
    });
  });
}

/**
 * Inserts the demo data in one transaction.
 * @param now the end of the demo's sixty days. Apart from times and the random tokens, the data is always the same
 * @returns the accounts of each organization with their tokens; `undefined` if the demo data exists
 */
function seed(
  { prisma, secrets }: { prisma: PrismaClient; secrets: Secrets },
  now: Date,
): Promise<{ organization: DemoOrganization; accounts: IssuedAccount[] }[] | undefined> {
  const organizations = demoData(now);
  return prisma.$transaction(
    async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ADVISORY_LOCKS.seed})`;
      if (await tx.organization.count({ where: { sid: { in: organizations.map(({ row }) => row.sid) } } })) return undefined;
      const issued = [];
      for (const organization of organizations) issued.push({ organization, accounts: await insert(tx, secrets, organization) });
      return issued;
    },
    { maxWait: 10_000, timeout: 120_000 },
  );
}

async function insert(tx: Prisma.TransactionClient, secrets: Secrets, organization: DemoOrganization): Promise<IssuedAccount[]> {
  const { sid: organizationSid, dateCreated } = organization.row;
  await tx.organization.create({ data: organization.row });
  const accounts: IssuedAccount[] = [];
  for (const { status, ...account } of organization.accounts) {
    const issued = await insertAccount(tx, secrets, { ...account, organization: { sid: organizationSid } });
    await tx.account.update({ where: { sid: issued.account.sid }, data: { status, dateCreated, dateUpdated: dateCreated } });
    accounts.push({ ...issued, account: { ...issued.account, status } });
  }
  await tx.enterprise.createMany({ data: organization.enterprises });
  await tx.enterpriseAdmin.createMany({ data: organization.admins });
  await tx.bot.createMany({
    data: organization.bots.map(({ clientSecret, ...bot }) => ({
      ...bot,
      clientSecret: secrets.seal(clientSecret, bot.sid),
      clientSecretHint: clientSecret.slice(-4),
    })),
  });
  await tx.mapping.createMany({ data: organization.mappings });
  await insertMany(tx, 'message', organization.messages);
  await insertMany(tx, 'message_event', organization.events);
  await tx.eventHead.create({ data: { organizationSid, seq: BigInt(organization.events.length) } });
  return accounts;
}

/** Inserts rows, passing each batch as one JSON value: ten times as fast as createMany, which binds every value of every row. */
async function insertMany(tx: Prisma.TransactionClient, table: 'message' | 'message_event', rows: readonly object[]): Promise<void> {
  const names = Object.keys(rows[0] ?? {});
  const column = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const columns = names.map((name) => `"${column(name)}"`).join(', ');
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows
      .slice(start, start + BATCH)
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [column(name), value])));
    const json = JSON.stringify(batch, (_, value) => (typeof value === 'bigint' ? Number(value) : value));
    await tx.$executeRawUnsafe(
      `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
      json,
    );
  }
}

function describe(issued: readonly { organization: DemoOrganization; accounts: readonly IssuedAccount[] }[]): string {
  const parts = issued.map(({ organization: { row, enterprises, mappings, messages, events }, accounts }) =>
    [
      `${row.name} (${row.sid}): ${enterprises.length} enterprises, ${mappings.length} mappings, ${messages.length} messages, ${events.length} events`,
      ...accounts.map(
        ({ account, authToken }) => `  ${account.sid}:${authToken}  ${account.email}, ${account.status}, ${account.permissions.join(' ')}`,
      ),
    ].join('\n'),
  );
  return `${parts.join('\n\n')}\n\nEach is SID:token, as curl -u takes it. The tokens are not shown again.`;
}
