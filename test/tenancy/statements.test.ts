import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';
import { packageRoot } from '../../src/database/package-root.ts';

// What the code assumes about one database (docs/adr/0025-several-databases.md). A statement that names the organization can be sent to its database. Each file with one that
// does not is listed here, with how its statements would find theirs.

/**
 * - `within`: by sids of rows that the caller or the claim has reached before. Whoever has the organization's database runs it there.
 * - `entry`: asks whose something is, by what comes from outside: a directory's question.
 * - `everywhere`: about all organizations: jobs, claims, commands. Runs once in each database.
 */
type Kind = 'within' | 'entry' | 'everywhere';

const UNCONFINED: Readonly<Record<string, readonly Kind[]>> = {
  'bulk/face.ts': ['entry'],
  'cli/seed/command.ts': ['within'],
  'database/copy-tables.ts': ['everywhere'],
  'domain/access/access-tokens.ts': ['within', 'entry'],
  'domain/access/accounts.ts': ['within', 'entry', 'everywhere'],
  'domain/access/admin-credentials.ts': ['entry'],
  'domain/access/key-rotation.ts': ['everywhere'],
  'domain/access/microsoft-users.ts': ['within'],
  'domain/access/organization-accounts.ts': ['within'],
  'domain/access/platform-accounts.ts': ['entry'],
  'domain/access/valid-credentials.ts': ['everywhere'],
  'domain/bot-audience.ts': ['entry'],
  'domain/bulk/group-import.ts': ['within'],
  'domain/bulk/import-work.ts': ['within', 'everywhere'],
  'domain/bulk/imports.ts': ['within'],
  'domain/bulk/person-rows.ts': ['within'],
  'domain/enterprises/admin-changes.ts': ['within'],
  'domain/bots/bot-changes.ts': ['within'],
  'domain/bots/bot-credentials.ts': ['within'],
  'domain/bots/bot-health.ts': ['within', 'everywhere'],
  'domain/bots/bot-tenants.ts': ['entry', 'everywhere'],
  'domain/bots/bot-users.ts': ['entry'],
  'domain/enterprises/enterprise-admins.ts': ['within', 'entry'],
  'domain/enterprises/enterprises.ts': ['within'],
  'domain/enterprises/former-accounts.ts': ['entry'],
  'domain/enterprises/linked-users.ts': ['within'],
  'domain/mappings/mapped-numbers.ts': ['entry'],
  'domain/mappings/mapping-changes.ts': ['within'],
  'domain/mappings/new-mappings.ts': ['within'],
  'domain/mappings/mapping-users.ts': ['everywhere'],
  'domain/bots/teams-installations.ts': ['within'],
  'domain/idempotency.ts': ['within'],
  'domain/messages/fill-conversations.ts': ['everywhere'],
  'domain/messages/message-log.ts': ['within'],
  'domain/messages/retry-messages.ts': ['within'],
  'domain/messages/sending-mapping.ts': ['within'],
  'domain/teams-app/package.ts': ['within'],
  'domain/teams-app/settings.ts': ['within'],
  'domain/privacy/delete-messages.ts': ['within'],
  'domain/privacy/erase-elsewhere.ts': ['within'],
  'domain/privacy/erase-people.ts': ['everywhere'],
  'domain/waiting.ts': ['within', 'everywhere'],
  'domain/webhooks/endpoints.ts': ['within'],
  'exchange/outbox/backlog.ts': ['everywhere'],
  'exchange/jobs/clock.ts': ['everywhere'],
  'exchange/outbox/delivery.ts': ['within'],
  'exchange/outbox/holds.ts': ['within'],
  'exchange/outbox/outbox.ts': ['within', 'everywhere'],
  'exchange/restcomm/webhooks.ts': ['entry'],
  'exchange/outbox/settle.ts': ['within'],
  'exchange/stand-in/stand-in.ts': ['entry'],
  'exchange/teams/texts/accept-at-once.ts': ['within'],
  'exchange/teams/chats/app-installation.ts': ['within'],
  'exchange/teams/card-actions.ts': ['within'],
  'exchange/teams/chats/conversations.ts': ['within'],
  'exchange/teams/texts/held-texts.ts': ['within', 'everywhere'],
  'exchange/teams/chats/installer.ts': ['everywhere'],
  'exchange/teams/notice-sender.ts': ['everywhere'],
  'exchange/teams/texts/receive-text.ts': ['within'],
  'exchange/teams/texts/recent-partners.ts': ['within'],
  'exchange/teams/chats/reopen-chat.ts': ['within'],
  'exchange/teams/retry-from-teams.ts': ['within'],
  'exchange/teams/texts/send-held.ts': ['within'],
  'exchange/teams/texts/senders.ts': ['entry'],
  'exchange/teams/to-teams.ts': ['within'],
  'exchange/teams/chats/welcome.ts': ['within'],
  'exchange/webhooks/claim-endpoints.ts': ['everywhere'],
  'exchange/webhooks/save-turn.ts': ['within'],
};

const root = packageRoot();
const sourceOf = (file: string) => readFileSync(join(root, 'src', file), 'utf8');

/** The tables of organizations' rows, by their names in Prisma. */
const TABLES = new Map(
  [...readFileSync(join(root, 'prisma', 'schema.prisma'), 'utf8').matchAll(/^model (\w)(\w+) \{\n([\s\S]*?)^\}/gm)]
    .filter(([, , , body = '']) => /@map\("organization_sid"\)/.test(body))
    .map(([, first = '', rest = '', body = '']) => [first.toLowerCase() + rest, /@@map\("(\w+)"\)/.exec(body)?.[1] ?? '']),
);
const READS_OR_WRITES = new RegExp(`\\b(FROM|JOIN|INTO|UPDATE)\\s+(${[...TABLES.values()].join('|')})\\b`);
const IS_STATEMENT = /\b(SELECT|INSERT|UPDATE|DELETE)\b/;
const NAMES_ORGANIZATION = /organization_sid|organizationSid|\b(belonging|accounts|enterprises)\(/;
/** Of Prisma's methods: `create` is given the organization, as its column is required. */
const METHOD = /^(find|update|delete|count|upsert|aggregate|groupBy)/;

interface Syntax {
  readonly type?: string;
  readonly start: number;
  readonly end: number;
  readonly callee?: Member;
}
interface Member extends Syntax {
  readonly object?: Member;
  readonly property?: Syntax & { readonly name?: string };
}

/** The statements of a source: SQL in texts, and calls of Prisma. */
function statementsOf(source: string): string[] {
  const found: string[] = [];
  const textOf = ({ start, end }: Syntax) => source.slice(start, end);
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const each of node) visit(each);
      return;
    }
    if (node === null || typeof node !== 'object') return;
    const { type, callee } = node as Syntax;
    const text = type ? textOf(node as Syntax) : '';
    if ((type === 'TemplateLiteral' || type === 'Literal') && READS_OR_WRITES.test(text) && IS_STATEMENT.test(text)) {
      found.push(text);
      return;
    }
    if (type === 'CallExpression' && TABLES.has(callee?.object?.property?.name ?? '') && METHOD.test(callee?.property?.name ?? ''))
      found.push(text);
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(source, { lang: 'ts' }));
  return found;
}

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const statements = new Map(files.map((file) => [file.replaceAll('\\', '/'), statementsOf(sourceOf(file))]));

test('every statement names the organization, except those of files that are listed', () => {
  const unconfined = [...statements].filter(([, texts]) => texts.some((text) => !NAMES_ORGANIZATION.test(text))).map(([file]) => file);
  // A new one: let it name the organization, or say here how it would find its database.
  expect(unconfined.sort()).toEqual(Object.keys(UNCONFINED).sort());
});

test('the statements are found', () => {
  expect([...statements.values()].flat().length).toBeGreaterThan(150);
  expect(statementsOf('const rows = await tx.$queryRaw`SELECT 1 FROM message WHERE sid = $' + '{sid}`;')).toHaveLength(1);
  expect(statementsOf("prisma.message.findMany({ where: { sid: 'MS1' } }); gateway.sql.query('DELETE FROM notice');")).toHaveLength(2);
  expect(statementsOf("prisma.scheduledJob.findMany(); log.info('an UPDATE of a message')")).toHaveLength(0);
});
