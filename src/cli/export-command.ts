import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { bulkClient } from './bulk-client.ts';
import { CommandError, exitCodeOf, type Terminal, UsageError } from './session.ts';

const USAGE = `Downloads messages or mappings from a running gateway, e.g. for billing. docs/exports.md describes the columns.

  npm run --silent export -- messages [options] > messages.csv
  npm run --silent export -- mappings [options] > mappings.csv

  --format csv|json-lines   csv unless given
  --enterprise SID          of one enterprise
  --mapping SID             of messages: through one mapping
  --from TIME, --to TIME    of messages: accepted between, both inclusive, e.g. 2026-11-01T00:00:00Z
  --direction INBOUND|OUTBOUND
  --status STATUS           of messages: several times for several
  --with-body               of messages: with their texts
  --output FILE             instead of standard output
  --gateway URL             without it, PORT and HOST say where the gateway listens

ACCOUNT_SID and AUTH_TOKEN are the credentials of an account.

Exit codes: 0 done, 1 the file is not complete, 2 invalid usage.`;

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
    if ((kind !== 'messages' && kind !== 'mappings') || more.length > 0) throw new UsageError(USAGE);
    const format = formatOf(values.format);
    const { enterprise: enterpriseSid, mapping: mappingSid, from: createdFrom, to: createdTo, direction, status: statuses } = values;
    const ofMessages = { mappingSid, createdFrom, createdTo, direction, statuses };
    if (kind === 'mappings' && (Object.values(ofMessages).some((value) => value !== undefined) || values['with-body'])) {
      throw new UsageError('Mappings have the options --format, --enterprise and --output only.');
    }
    const client = bulkClient(terminal, values.gateway);
    const name = kind === 'messages' ? 'Messages' : 'Mappings';
    const input =
      kind === 'messages'
        ? { format, withBody: values['with-body'], filter: { enterpriseSid, ...ofMessages } }
        : { format, filter: { enterpriseSid } };
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
      ...{ status: texts, 'with-body': flag, help: flag },
    } as const;
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
