import { createReadStream, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CommandError, exitCodeOf, type Terminal, UsageError } from '../session.ts';
import { type BulkClient, bulkClient } from './bulk-client.ts';

const USAGE = `Imports mappings from a file into an enterprise of a running gateway. Every row is checked before the first is created.

  npm run import -- mappings.csv --enterprise SID [--dry-run] [--skip-invalid] [--gateway URL]
  npm run import -- SID               runs an import (IM…) again: rows that failed are tried again, no row is created twice

The file is CSV with a header, or JSON lines, with name, microsoftAddress and externalAddress: at most 10,000 rows. ACCOUNT_SID and AUTH_TOKEN
are the credentials of an account. Without --gateway, PORT and HOST say where the gateway listens.

Exit codes: 0 done, 1 a row is invalid or failed, or nothing was done, 2 invalid usage.`;

/** How often the gateway is asked for the progress, in ms. */
const POLL_MS = 300;
const BAR = 30;

interface Counts {
  readonly pending: number;
  readonly valid: number;
  readonly invalid: number;
  readonly created: number;
  readonly existing: number;
  readonly failed: number;
}
interface State {
  readonly status: string;
  readonly errorMessage: string | null;
  readonly rowCount: number;
  readonly counts: Counts;
}
interface ShownRow {
  readonly number: number;
  readonly line: number;
  readonly errorCode: string;
  readonly errorMessage: string;
}

const ERROR = '... on Error { code message }';
const IMPORT = `mutation ($enterpriseSid: ID!) { result: importMappings(input: { enterpriseSid: $enterpriseSid }) {
  ... on ImportMappingsSuccess { mappingImport { sid } uploadUrl } ${ERROR} } }`;
const RUN = `mutation ($sid: ID!, $skipInvalid: Boolean) { result: runMappingImport(input: { sid: $sid, skipInvalid: $skipInvalid }) {
  ... on RunMappingImportSuccess { mappingImport { sid } } ${ERROR} } }`;
const STATE = `query ($sid: ID!) { result: mappingImport(sid: $sid) {
  status errorMessage rowCount counts { pending valid invalid created existing failed } } }`;
const ROWS = `query ($sid: ID!, $after: Int!, $statuses: [MappingImportRowStatus!]) { result: mappingImport(sid: $sid) {
  rows(first: 500, afterNumber: $after, statuses: $statuses) { number line errorCode errorMessage } } }`;

/**
 * Runs `npm run import -- …`.
 * @returns the exit code, see exitCodeOf
 */
export function runImport(args: readonly string[], terminal: Terminal, isTerminal: boolean): Promise<number> {
  return exitCodeOf(terminal, async () => {
    const { positionals, values } = parse(args);
    const [target = '', ...more] = positionals;
    if (values.help) return terminal.print(USAGE);
    if (!target || more.length > 0) throw new UsageError(USAGE);
    const client = bulkClient(terminal, values.gateway);
    const show = isTerminal ? (text: string) => process.stderr.write(`\r\u001b[K${text}`) : () => {};
    let sid = target;
    if (!/^IM[0-9a-f]{32}$/.test(target)) {
      sid = await upload(client, target, values.enterprise);
      terminal.print(`The import is ${sid}.`);
      const { counts, rowCount } = await follow(client, sid, show, ({ counts, rowCount }) => rowCount - counts.pending);
      terminal.print(`${rowCount} rows: ${counts.valid} can be created, ${counts.existing} exist, ${counts.invalid} are invalid.`);
      await printRows(client, sid, 'INVALID', terminal);
      if (counts.invalid > 0 && !values['skip-invalid']) {
        throw new CommandError('Nothing was created. Correct the file, or import its other rows with --skip-invalid.');
      }
      await printRows(client, sid, 'FAILED', terminal);
      if (values['dry-run']) {
        if (counts.failed > 0) throw new CommandError(`${counts.failed} rows could not be checked: a platform did not respond.`);
        return;
      }
    }
    await client.graph(RUN, { sid, skipInvalid: values['skip-invalid'] ?? true });
    const { counts } = await follow(client, sid, show, ({ counts, rowCount }) => rowCount - counts.valid);
    terminal.print(`${counts.created} created, ${counts.existing} existed, ${counts.failed} failed.`);
    await printRows(client, sid, 'FAILED', terminal);
    if (counts.failed > 0) throw new CommandError(`Try the rows that failed again: npm run import -- ${sid}`);
  });
}

function parse(args: readonly string[]) {
  const [text, flag] = [{ type: 'string' }, { type: 'boolean' }] as const;
  try {
    const options = { enterprise: text, gateway: text, 'dry-run': flag, 'skip-invalid': flag, help: flag } as const;
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Uploads a file as it is read. @returns the sid of the import */
async function upload(client: BulkClient, path: string, enterpriseSid: string | undefined): Promise<string> {
  if (!enterpriseSid) throw new UsageError('Give --enterprise SID: the enterprise that the mappings are for.');
  if (!existsSync(path)) throw new UsageError(`There is no file ${path}.`);
  const { mappingImport, uploadUrl } = await client.graph<{ mappingImport: { sid: string }; uploadUrl: string }>(IMPORT, { enterpriseSid });
  const response = await client.follow(uploadUrl, {
    method: 'PUT',
    body: createReadStream(path),
    duplex: 'half',
  } as unknown as RequestInit);
  const { message } = (await response.json().catch(() => ({}))) as { message?: string };
  if (!response.ok) throw new CommandError(`${path} was refused: ${message ?? response.status}`);
  return mappingImport.sid;
}

/** Shows a bar until the import has come to an end. */
async function follow(client: BulkClient, sid: string, show: (text: string) => void, doneOf: (state: State) => number): Promise<State> {
  for (;;) {
    const state = await client.graph<State>(STATE, { sid });
    if (state.status === 'FAILED') throw new CommandError(`The import has ended: ${state.errorMessage}`);
    const isEnd = state.status === 'CHECKED' || state.status === 'COMPLETED';
    const done = doneOf(state);
    const filled = Math.floor((done / Math.max(state.rowCount, 1)) * BAR);
    show(isEnd ? '' : `${state.status} [${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${done}/${state.rowCount}`);
    if (isEnd) return state;
    await delay(POLL_MS);
  }
}

async function printRows(client: BulkClient, sid: string, status: 'INVALID' | 'FAILED', { printError }: Terminal): Promise<void> {
  for (let after = 0; ; ) {
    const { rows } = await client.graph<{ rows: ShownRow[] }>(ROWS, { sid, after, statuses: [status] });
    for (const { line, errorMessage, errorCode } of rows) printError(`Line ${line}: ${errorMessage} (${errorCode})`);
    const last = rows.at(-1);
    if (!last) return;
    after = last.number;
  }
}
