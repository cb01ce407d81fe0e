import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { CommandError, exitCodeOf, type Terminal, UsageError } from '../session.ts';
import { bulkClient } from './bulk-client.ts';

const USAGE = `Downloads messages, mappings or usage from a running gateway, e.g. for billing. docs/exports.md describes the columns.

  npm run --silent export -- messages [options] > messages.csv
  npm run --silent export -- mappings [options] > mappings.csv
  npm run --silent export -- usage --from TIME --to TIME [options] > usage.csv

  --format csv|json-lines   csv unless given
  --enterprise SID          of one enterprise
  --mapping SID             of messages and usage: through one mapping
  --from TIME, --to TIME    of messages: accepted between, both inclusive, e.g. 2026-11-01T00:00:00Z. Of usage, the end is exclusive
  --direction INBOUND|OUTBOUND
  --status STATUS           of messages and usage: several times for several
  --with-body               of messages: with their texts
  --by hour|day|month       of usage: month unless given
  --group-by DIMENSION      of usage: enterprise, mapping, direction, status or type; several times for several
  --time-zone ZONE          of usage: where hours, days and months begin, e.g. Europe/Berlin; UTC unless given
  --output FILE             instead of standard output
  --gateway URL             without it, PORT and HOST say where the gateway listens

ACCOUNT_SID and AUTH_TOKEN are the credentials of an account.

Exit codes: 0 done, 1 the file is not complete, 2 invalid usage.`;

/** The options that each kind has, besides --format, --enterprise, --output and --gateway. */
const OPTIONS = {
  messages: ['mapping', 'from', 'to', 'direction', 'status', 'with-body'],
  mappings: [],
  usage: ['mapping', 'from', 'to', 'direction', 'status', 'by', 'group-by', 'time-zone'],
} as const satisfies Record<string, readonly (keyof OptionValues)[]>;
const COMMON: readonly string[] = ['format', 'enterprise', 'output', 'gateway'];
const NAMES = { messages: 'Messages', mappings: 'Mappings', usage: 'Usage' } as const;
type Kind = keyof typeof OPTIONS;
type OptionValues = ReturnType<typeof parse>['values'];

/**
 * Runs `npm run export -- …`.
 * @param output where the file goes unless --output is given
 * @returns the exit code, see exitCodeOf
 */
export function runExport(args: readonly string[], terminal: Terminal, output: Writable): Promise<number> {
  return exitCodeOf(terminal, async () => {
    const { positionals, values } = parse(args);
    if (values.help) return terminal.print(USAGE);
    const [kind, ...more] = positionals;
    if (!isKind(kind) || more.length > 0) throw new UsageError(USAGE);
    const name = NAMES[kind];
    const input = inputOf(kind, values);
    const client = bulkClient(terminal, values.gateway);
    const { url } = await client.graph<{ url: string }>(
      `mutation ($input: Export${name}Input!) { result: export${name}(input: $input) {
        ... on Export${name}Success { url } ... on Error { code message } } }`,
      { input },
    );
    const response = await client.follow(url);
    if (!response.ok || !response.body) {
      const { message } = (await response.json().catch(() => ({}))) as { message?: string };
      throw new CommandError(`The gateway refused the download: ${message ?? response.status}`);
    }
    try {
      await pipeline(Readable.fromWeb(response.body as never), values.output ? createWriteStream(values.output) : output, {
        end: values.output !== undefined,
      });
    } catch (error) {
      throw new CommandError(`The file is not complete: ${error instanceof Error ? error.message : error}`);
    }
  });
}

const isKind = (given: string | undefined): given is Kind => given !== undefined && Object.hasOwn(OPTIONS, given);

/**
 * Makes the input of a kind's mutation.
 * @throws UsageError for options of other kinds, or if one is missing
 */
function inputOf(kind: Kind, values: OptionValues): object {
  const own: readonly string[] = [...COMMON, ...OPTIONS[kind]];
  const other = Object.keys(values).find((option) => !own.includes(option));
  if (other) throw new UsageError(`${NAMES[kind]} have no option --${other}, only ${own.map((option) => `--${option}`).join(', ')}.`);
  const format = formatOf(values.format);
  const { enterprise: enterpriseSid, mapping: mappingSid, direction, status: statuses, from, to } = values;
  if (kind === 'mappings') return { format, filter: { enterpriseSid } };
  const filter = { enterpriseSid, mappingSid, direction, statuses };
  if (kind === 'messages') return { format, withBody: values['with-body'], filter: { ...filter, createdFrom: from, createdTo: to } };
  if (!from || !to) throw new UsageError('Usage needs --from and --to.');
  const [granularity, groupBy] = [(values.by ?? 'month').toUpperCase(), values['group-by']?.map((dimension) => dimension.toUpperCase())];
  return { format, from, to, granularity, groupBy, filter, timeZone: values['time-zone'] };
}

function formatOf(given: string | undefined): 'CSV' | 'JSON_LINES' {
  if (given === undefined || given === 'csv') return 'CSV';
  if (given === 'json-lines') return 'JSON_LINES';
  throw new UsageError('--format is csv or json-lines.');
}

function parse(args: readonly string[]) {
  const [text, texts, flag] = [{ type: 'string' }, { type: 'string', multiple: true }, { type: 'boolean' }] as const;
  try {
    const options = {
      ...{ format: text, enterprise: text, mapping: text, from: text, to: text, direction: text, output: text, gateway: text },
      ...{ by: text, 'group-by': texts, 'time-zone': text, status: texts, 'with-body': flag, help: flag },
    } as const;
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
