import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { Listener } from '../../src/server/server.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { csv, HEADER, importWorld, rows } from './import-world.ts';

const world = importWorld();
const { run, upload, stateOf, checked } = world;
let gateway: TestGateway;
let listener: Listener;
let provider: Provider;
let enterpriseSid: string;
beforeAll(() => {
  ({ gateway, listener, provider, enterpriseSid } = world);
});

describe('a file', () => {
  const [name, user, number] = ['Ann "A" Smith; Ltd', 'ann@file.example', '+49 30 5551'];
  const quoted = '"Ann ""A"" Smith; Ltd"';
  const utf16 = (text: string, order: 'le' | 'be'): Uint8Array<ArrayBuffer> => {
    const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
    return new Uint8Array(order === 'le' ? bytes : bytes.swap16());
  };
  const plain = `${HEADER}\n${quoted},${user},${number}\n`;

  test.each([
    ['with LF', plain],
    ['with CRLF and no line break at its end', plain.trimEnd().replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\ufeff${plain}`],
    ['with semicolons', `name;microsoftAddress;externalAddress\r\n${quoted};${user};${number}\r\n`],
    ['with tabs', `name\tmicrosoftAddress\texternalAddress\n${quoted}\t${user}\t${number}`],
    [
      'with other columns, in another order and case',
      `sid,EXTERNALADDRESS,note,MicrosoftAddress,Name\n,${number},"a\nb",${user},${quoted}\n`,
    ],
    ['with empty lines', `\n${HEADER}\n\n${quoted},${user},${number}\n\n`],
    ['in UTF-16, as Excel writes it', utf16(plain.replaceAll(',', '\t'), 'le')],
    ['in big-endian UTF-16', utf16(plain, 'be')],
    ['of JSON lines', `${JSON.stringify({ externalAddress: number, name, microsoftAddress: user, note: 1 })}\r\n\n`],
    ['of JSON lines with a byte order mark', `\ufeff${JSON.stringify({ name, microsoftAddress: user, externalAddress: number })}`],
  ])('%s is read', async (_kind, file) => {
    expect((await checked(file)).rows).toMatchObject([
      { number: 1, name, microsoftAddress: user, externalAddress: number, status: 'VALID' },
    ]);
  });

  test('that was exported is read, and its apostrophes against formulas are removed', async () => {
    expect((await checked(`${HEADER}\r\n'=Sum,${user},${number}`)).rows).toMatchObject([{ name: '=Sum' }]);
  });

  test.each([
    ['nothing', '', 'INVALID_PARAMETER', 'The file is empty'],
    ['a header alone', HEADER, 'INVALID_PARAMETER', 'The file has no rows'],
    ['no header', 'Ann,ann@file.example,+49305551', 'MISSING_PARAMETER', /^Line 1: .*microsoftAddress, externalAddress is missing$/],
    ['a column twice', `${HEADER},Name\na,b,c,d`, 'INVALID_PARAMETER', 'Line 1: the header names name twice'],
    ['a row with too few fields', `${HEADER}\na,b,c\na,b`, 'INVALID_PARAMETER', /^Line 3: /],
    ['a quote that is not closed', `${HEADER}\n"a,b,c\n`, 'INVALID_PARAMETER', /^Line \d: a quote is not closed/],
    ['a quote inside', `${HEADER}\na"b,b,c\n`, 'INVALID_PARAMETER', /^Line \d: a quote/],
    ['a very long row', `${HEADER}\n${'a'.repeat(5000)},b,c\n`, 'INVALID_PARAMETER', /^Line \d: the row is longer than 4096/],
    ['a line that never ends', `{"name":"${'a'.repeat(5000)}`, 'INVALID_PARAMETER', /^Line 1: the row is longer/],
    ['broken JSON', '{"name":"a"\n', 'INVALID_PARAMETER', 'Line 1: the row is no JSON object'],
    ['a list', '{"name":"a","microsoftAddress":"a@b.c","externalAddress":"123"}\n[1]', 'INVALID_PARAMETER', /^Line 2: /],
    ['no text', '{"name":{},"microsoftAddress":"a@b.c"}', 'INVALID_PARAMETER', 'Line 1: name is no text'],
    ['NUL', `${HEADER}\na\0b,b,c`, 'INVALID_PARAMETER', /^Line 2: name must be well-formed/],
    ['a lone surrogate', '{"name":"\\ud800","microsoftAddress":"a"}', 'INVALID_PARAMETER', /^Line 1: name must be well-formed/],
    ['Latin-1', new Uint8Array(Buffer.from(`${HEADER}\nM\xfcller,b,c`, 'latin1')), 'INVALID_PARAMETER', /not UTF-8/],
    ['one row too many', csv(Array(10_001).fill(['', 'a@b.example', '123'])), 'INVALID_PARAMETER', 'The file has more than 10,000 rows'],
  ])('with %s is refused as a whole, and may be uploaded again', async (_kind, file, code, message) => {
    const { mappingImport, uploadUrl } = await run(provider.graph, 'importMappings', { enterpriseSid });
    const refused = await upload(uploadUrl, file);
    expect(refused).toMatchObject({ status: 400, code });
    expect(refused.message).toMatch(message);
    expect(await stateOf(mappingImport.sid)).toMatchObject({
      status: 'AWAITING_UPLOAD',
      errorCode: code,
      errorMessage: refused.message,
      rows: [],
    });
    expect(await gateway.database.prisma.mappingImportRow.count({ where: { importSid: mappingImport.sid } })).toBe(0);
    expect(await upload(uploadUrl, csv(rows(1)))).toMatchObject({ status: 202, rows: 1 });
    expect(await upload(uploadUrl, csv(rows(1)))).toMatchObject({ status: 409, code: 'IMPORT_NOT_READY' });
    expect(await stateOf(mappingImport.sid)).toMatchObject({ status: 'CHECKING', errorCode: null, rowCount: 1 });
  });

  test.runIf(inject('postgres'))('of 10,000 rows is taken as it arrives', { timeout: 60_000 }, async () => {
    const { uploadUrl } = await run(provider.graph, 'importMappings', { enterpriseSid });
    async function* pieces() {
      yield Buffer.from(`${HEADER}\n`);
      for (let n = 0; n < 10_000; n++) yield Buffer.from(`"Person ${n}",person${n}@many.example,+4940${1_000_000 + n}\n`);
    }
    const response = await fetch(uploadUrl.replace('http://gateway.test', listener.url), {
      ...{ method: 'PUT', body: pieces(), duplex: 'half' },
    } as unknown as RequestInit);
    expect([response.status, ((await response.json()) as { rows: number }).rows]).toEqual([202, 10_000]);
    await gateway.database.prisma.mappingImport.updateMany({ where: { status: 'CHECKING' }, data: { status: 'FAILED' } });
  });
});
