import { type Dice, hostileHeader } from './hostile.ts';
import type { Sent } from './requests.ts';

const FRAMING = [
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 1e3',
  'Content-Length: 99999999999999999999',
  'Content-Length: 17000000',
]
  .concat('Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 4')
  .concat('Content-Length: 2\r\nContent-Length: 3', 'Expect: 100-continue', 'Expect: nothing', 'Connection: upgrade\r\nUpgrade: websocket')
  .concat('Connection: upgrade\r\nUpgrade: h2c', 'Trailer: x', 'Content-Encoding: gzip');
export const HOSTS = [
  'x',
  '',
  'a b',
  '[',
  '[::1]:80',
  'x:99999',
  'x:',
  'x/y?z#',
  'user:password@x',
  '\xff',
  '%00',
  'x\0y',
  '127.0.0.1:80, y',
  '..',
  '__proto__',
];
const TARGETS = [
  '/',
  '//',
  '*',
  '/graphql',
  '/graphql?',
  '/msteams/enterprises/search',
  'http://x/graphql',
  'http://',
  '/\\..\\',
  '/%',
  '/%zz',
  '/\xff',
  '/\0',
  '/#x',
  '/ x',
  '',
];
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH', 'PROPFIND', 'PRI', 'get', 'G\0T', ''];
/** What is no request. */
export const NOISE = [
  '\r\n',
  '\r\n\r\n',
  '\0',
  'GET / HTTP/1.1',
  '0\r\n\r\n',
  'zz\r\n',
  '{}',
  '\x16\x03\x01\x02',
  'HTTP/1.1 200 OK\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
];

/** A request's bytes: right but for what the dice break. */
export function bytesOf(port: number, dice: Dice, { method, path, headers, body }: Sent): string {
  const encoded = Buffer.from(body ?? '').toString('latin1');
  const target = dice.chance(0.1) ? dice.pick(TARGETS) : path;
  const lines = [
    `${dice.chance(0.06) ? dice.pick(METHODS) : method} ${target} HTTP/${dice.chance(0.04) ? dice.pick(['1.0', '0.9', '2.0', '9.9', '']) : '1.1'}`,
  ];
  if (!dice.chance(0.03)) lines.push(`Host: ${dice.chance(0.12) ? dice.pick(HOSTS) : `127.0.0.1:${port}`}`);
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (dice.chance(0.1)) lines.push(dice.pick(Object.entries(headers).map(([name, value]) => `${name}: ${value}`)) ?? 'X: y');
  if (dice.chance(0.06))
    lines.push(
      dice.pick([
        'X-Bad\0: y',
        'X: a\rb',
        'X: a\0b',
        ' folded',
        'no colon',
        ': no name',
        '__proto__: x',
        'constructor: x',
        `X: ${dice.draw(hostileHeader)}`,
      ]),
    );
  if (dice.chance(0.03)) lines.push(`X-Large: ${'x'.repeat(dice.pick([8000, 15_000, 17_000]))}`);
  if (dice.chance(0.02)) lines.push(...Array.from({ length: 2100 }, (_, n) => `X${n}: ${n}`));
  let sent = encoded;
  if (dice.chance(0.08)) lines.push(dice.pick(FRAMING));
  else if (encoded !== '' && dice.chance(0.3)) {
    lines.push('Transfer-Encoding: chunked');
    sent = chunked(encoded, dice);
  } else if (encoded !== '' || method === 'POST') lines.push(`Content-Length: ${encoded.length}`);
  const text = `${lines.join('\r\n')}\r\n\r\n${sent}`;
  return dice.chance(0.1) ? text.slice(0, dice.below(text.length + 1)) : text;
}

function chunked(text: string, dice: Dice): string {
  const middle = dice.below(text.length + 1);
  const chunks = [text.slice(0, middle), text.slice(middle)].filter((chunk) => chunk !== '');
  const size = (chunk: string) => (dice.chance(0.05) ? dice.pick(['zz', 'ffffffffffffffffff', '-1', '0', '']) : chunk.length.toString(16));
  const written = chunks.map((chunk) => `${size(chunk)}${dice.chance(0.05) ? ';a="b' : ''}\r\n${chunk}\r\n`).join('');
  return `${written}${dice.chance(0.1) ? '' : '0\r\n\r\n'}`;
}
