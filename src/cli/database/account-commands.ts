import { parseArgs } from 'node:util';
import {
  type AccountDetails,
  activateAccount,
  createAccount,
  type IssuedAccount,
  listAccounts,
  type NewAccount,
  READ_ONLY_PERMISSIONS,
  rotateToken,
  suspendAccount,
} from '../../domain/access/accounts.ts';
import { exitCodeOf, type Session, type Terminal, UsageError, withDatabase } from '../session.ts';

const USAGE = `Manages the accounts that callers authenticate with. Uses the gateway's settings (DATA_DIR or DATABASE_URL, SECRETS_KEY).

  npm run account -- create --email EMAIL [--name NAME] [--read-only] (--organization SID | --new-organization NAME)
  npm run account -- rotate SID       replaces the account's auth token; the old one stops working
  npm run account -- suspend SID      disables the account's credentials
  npm run account -- activate SID     enables them again
  npm run account -- list

create and rotate print the auth token once: only its digest is stored. The embedded database allows one process at a time, so
stop the gateway first; with PostgreSQL it can keep running.

Exit codes: 0 done, 1 failed (nothing was changed), 2 invalid usage.`;

/**
 * Runs `npm run account -- …`.
 * @returns the exit code, see exitCodeOf
 */
export function runAccount(args: readonly string[], terminal: Terminal): Promise<number> {
  return exitCodeOf(terminal, async () => {
    const [command = '', ...rest] = args;
    if (command === '--help' || command === '-h' || rest.includes('--help')) return terminal.print(USAGE);
    const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (!run) throw new UsageError(command === '' ? USAGE : `There is no command ${JSON.stringify(command)}.\n\n${USAGE}`);
    await run(rest, terminal);
  });
}

const commands: Record<string, (args: readonly string[], terminal: Terminal) => Promise<void>> = {
  create: async (args, terminal) => {
    const input = parseCreate(args);
    const issued = await withDatabase(terminal, { mayCreate: true }, (session) => createAccount(session, input));
    terminal.print(describeIssued(issued));
  },
  rotate: async (args, terminal) => {
    terminal.print(describeIssued(await onOne(args, terminal, rotateToken)));
  },
  suspend: async (args, terminal) => {
    terminal.print(describe(await onOne(args, terminal, suspendAccount)));
  },
  activate: async (args, terminal) => {
    terminal.print(describe(await onOne(args, terminal, activateAccount)));
  },
  list: async (args, terminal) => {
    if (args.length > 0) throw new UsageError('list takes no arguments.');
    const accounts = await withDatabase(terminal, { mayCreate: false }, listAccounts);
    const rows = accounts.map((account) => [
      account.sid,
      account.status,
      account.email,
      account.friendlyName,
      account.permissions.join(','),
      `${account.organizationSid} ${account.organization.name}`,
    ]);
    terminal.print(columns([['SID', 'STATUS', 'E-MAIL', 'NAME', 'PERMISSIONS', 'ORGANIZATION'], ...rows]));
  },
};

function onOne<Result>(
  args: readonly string[],
  terminal: Terminal,
  work: (session: Session, sid: string) => Promise<Result>,
): Promise<Result> {
  const [sid, ...more] = args;
  if (!sid || more.length > 0) throw new UsageError('Give one account SID; `npm run account -- list` shows them.');
  return withDatabase(terminal, { mayCreate: false }, (session) => work(session, sid));
}

function parseCreate(args: readonly string[]): NewAccount {
  const { email, name, organization, 'new-organization': newOrganization, 'read-only': readOnly } = createOptions(args);
  if (!email) throw new UsageError('create needs --email EMAIL.');
  if ((organization === undefined) === (newOrganization === undefined)) {
    throw new UsageError('create needs either --organization SID (`npm run account -- list` shows them) or --new-organization NAME.');
  }
  return {
    email,
    friendlyName: name,
    organization: organization === undefined ? { name: newOrganization ?? '' } : { sid: organization },
    permissions: readOnly ? READ_ONLY_PERMISSIONS : undefined,
  };
}

function createOptions(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    const options = { email: text, name: text, organization: text, 'new-organization': text, 'read-only': { type: 'boolean' } } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function describe({ sid, email, organizationSid, status, permissions }: AccountDetails): string {
  return columns([
    ['Account SID', sid],
    ['E-mail', email],
    ['Organization', organizationSid],
    ['Permissions', permissions.join(',')],
    ['Status', status],
  ]);
}

function describeIssued({ account, authToken }: IssuedAccount): string {
  return `${describe(account)}\nAuth token    ${authToken}  (not shown again)`;
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, index) => Math.max(most[index] ?? 0, cell.length)), []);
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
