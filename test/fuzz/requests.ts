import { type Dice, encodedText, headersFor, hostileJson, hostileText, noJson } from './hostile.ts';
import { type Operation, operationOver } from './operations.ts';
import { type BodySchema, type FuzzWorld, TRUSTED } from './world.ts';

/** A request, and what is said of it where it fails. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Uint8Array;
  /** Of the graph. */
  readonly operation?: Operation;
}

export function told({ method, path, headers, body }: Sent): string {
  const shown = typeof body === 'string' ? body : body && `0x${Buffer.from(body).toString('hex')}`;
  return `${method} ${path} ${JSON.stringify(headers)}\n${shown?.slice(0, 4000) ?? ''}`;
}

export function requestOf({ method, path, headers, body }: Sent): Request {
  return new Request(`http://gateway.test${path}`, { method, headers, body: body as BodyInit | undefined });
}

/** JSON of an object whose values are JSON already. */
const objectOf = (pairs: readonly (readonly [string, string])[]) =>
  `{${pairs.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;

const EXTENSIONS = ['{}', '[]', '{"persistedQuery":null}', '{"persistedQuery":{"version":1,"sha256Hash":"trusted"}}']
  .concat('{"persistedQuery":{"version":1,"sha256Hash":"__proto__"}}', '{"persistedQuery":{"version":1,"sha256Hash":{}}}')
  .concat(
    '{"persistedQuery":{"version":1,"sha256Hash":"constructor"},"__proto__":{"polluted":true}}',
    '{"persistedQuery":{"version":1e400}}',
  );
const DOCUMENT_IDS = ['"trusted"', '"sha256:trusted"', '"__proto__"', '"constructor"', '""', '0', 'null', '{}', '["trusted"]', '"\\u0000"'];

/** A request to the graph: mostly an operation over the schema, in all the ways in which HTTP can carry one. */
export function graphRequest({ schema, own, authorizations }: FuzzWorld, dice: Dice): Sent {
  const operation = operationOver(schema, own, dice);
  const query = dice.chance(0.02) ? dice.draw(hostileText) : dice.chance(0.03) ? TRUSTED : operation.query;
  const parts: [string, string][] = [];
  if (!dice.chance(0.03)) parts.push(['query', dice.chance(0.02) ? dice.draw(hostileJson) : JSON.stringify(query)]);
  parts.push(['variables', operation.variables]);
  if (dice.chance(0.2)) parts.push(['operationName', dice.chance(0.6) ? '"Fuzz"' : dice.draw(hostileJson)]);
  if (dice.chance(0.05)) parts.push(['extensions', dice.chance(0.8) ? dice.pick(EXTENSIONS) : dice.draw(hostileJson)]);
  if (dice.chance(0.04)) parts.push(['documentId', dice.pick(DOCUMENT_IDS)]);
  if (dice.chance(0.02)) parts.push(['__proto__', '{"polluted":true}']);
  const authorization = dice.pick(authorizations);
  const usual = { authorization, ...(operation.isSubscription && dice.chance(0.8) && { accept: 'text/event-stream' }) };
  if (dice.chance(0.12)) {
    const search = parts.map(
      ([name, json]) => `${name}=${name === 'query' ? encodeURIComponent(query.toWellFormed()) : valueInQuery(dice, json)}`,
    );
    const extra = dice.chance(0.1) ? `&${dice.draw(encodedText)}` : '';
    const path = `/graphql?${search.join('&')}${extra}`;
    const method = dice.pick(['GET', 'GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'DELETE', 'PUT', 'PATCH']);
    return { method, path: path.slice(0, 200_000), headers: headersFor(dice, usual), operation };
  }
  const headers = headersFor(dice, { ...usual, 'content-type': 'application/json' });
  const body = dice.chance(0.04) ? dice.draw(noJson) : dice.chance(0.03) ? dice.draw(hostileJson) : objectOf(parts);
  const path = dice.chance(0.03) ? `/graphql?${dice.draw(encodedText)}` : '/graphql';
  return { method: 'POST', path, headers, body, operation };
}

const valueInQuery = (dice: Dice, json: string) => (dice.chance(0.15) ? dice.draw(encodedText) : encodeURIComponent(json.slice(0, 20_000)));

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'];

/** A request to the contract: mostly one of the operations that its OpenAPI document describes. */
export function restRequest({ openApi, own, authorizations }: FuzzWorld, dice: Dice): Sent {
  const template = dice.pick(Object.keys(openApi.paths));
  const methods = openApi.paths[template] ?? {};
  const described = dice.pick(Object.keys(methods));
  const { parameters = [], requestBody } = methods[described] ?? {};
  const method = dice.chance(0.05) ? dice.pick(METHODS) : described === 'get' && dice.chance(0.05) ? 'HEAD' : described.toUpperCase();

  const subject = /enterprises/.test(template)
    ? 'enterpriseSid'
    : /bot/.test(template)
      ? 'botSid'
      : /messages/.test(template)
        ? 'messageSid'
        : 'mappingSid';
  const sid = dice.chance(0.4) ? dice.draw(encodedText) : encodeURIComponent(own(subject, dice));
  let path = template.replace('{sid}', sid);
  if (dice.chance(0.03)) path += dice.pick(['/', '//', '/x', '/..', '/%2e%2e', '%00', '/__proto__', ';x=1']);

  const pairs = parameters
    .filter((one) => one.in === 'query' && dice.chance(0.3))
    .map(({ name, schema }) => `${written(name, dice)}=${queryValue(name, schema, own, dice)}`);
  if (dice.chance(0.08)) pairs.push(dice.draw(encodedText));
  if (dice.chance(0.05) && pairs[0]) pairs.push(pairs[0]);
  if (pairs.length > 0) path += `?${pairs.join(dice.chance(0.02) ? ';' : '&')}`;

  const headers = headersFor(dice, { authorization: dice.pick(authorizations) });
  if (method === 'GET' || method === 'HEAD') return { method, path, headers };
  const schema = requestBody?.content['application/json'].schema;
  const usual = schema ? bodyOf(schema, own, dice) : undefined;
  const body = dice.chance(0.06) ? dice.draw(noJson) : dice.chance(0.06) ? dice.draw(hostileJson) : usual;
  if (body !== undefined && headers['content-type'] === undefined) headers['content-type'] = 'application/json';
  return { method, path, headers, body };
}

const written = (name: string, dice: Dice) => (dice.chance(0.2) ? name.toUpperCase() : dice.chance(0.03) ? `%${name}` : name);

function queryValue(name: string, schema: Record<string, unknown>, own: FuzzWorld['own'], dice: Dice): string {
  if (dice.chance(0.4)) return dice.draw(encodedText);
  if (schema.type === 'integer') return dice.pick(['0', '1', '3', '1000', '1001', '-1', '2147483647', '2147483648', '1e3', '0x10', '٣']);
  if (/time$/i.test(name))
    return dice.pick([
      '2026-11-24',
      '2026-11-24T10:00:00+0000',
      '2026-11-24T10:00:00',
      '2026-02-30',
      '0000-01-01',
      '9999-12-31T23:59:59-2359',
    ]);
  if (name === 'sortBy')
    return dice.pick(['dateCreated', 'name:desc', 'dateCreated:asc:asc', '__proto__', 'constructor:desc', ':', 'DATECREATED:DESC']);
  return encodeURIComponent(own(name, dice));
}

function bodyOf({ properties = {} }: BodySchema, own: FuzzWorld['own'], dice: Dice): string {
  const pairs = Object.entries(properties)
    .filter(() => dice.chance(0.8))
    .map(([name, schema]): [string, string] => {
      if (dice.chance(0.2)) return [name, dice.draw(hostileJson)];
      if (schema.properties) return [name, bodyOf(schema, own, dice)];
      if (name === 'status') return [name, JSON.stringify(dice.pick(['ACTIVE', 'inactive', 'CLOSED', 'nothing']))];
      return [name, JSON.stringify(dice.chance(0.2) ? dice.draw(hostileText) : own(name, dice))];
    });
  if (dice.chance(0.05)) pairs.push(['__proto__', '{"polluted":true}']);
  return objectOf(pairs);
}
