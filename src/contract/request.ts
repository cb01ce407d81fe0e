import { type AnyRequest, targetOf } from '../server/node-request.ts';
import { readBody } from './body.ts';
import { invalidParameter } from './errors.ts';
import type { ContractRequest, Operation, QueryParameter } from './operations/operation.ts';
import { DEFAULT_PAGE_SIZE } from './operations/parameters.ts';

/**
 * Reads an operation's parameters from a request, and checks their form. The graph checks their meaning.
 * @param sid as in the path, percent-encoded
 * @throws ContractFailure 450, 413 or 415
 */
export async function readRequest(request: AnyRequest, operation: Operation, sid: string, showSecrets: boolean): Promise<ContractRequest> {
  const { query, given } = readQuery(targetOf(request).search, operation.query ?? []);
  return {
    sid: decodeSid(sid),
    query,
    given,
    page: (query.page as number | undefined) ?? 0,
    pageSize: (query.pageSize as number | undefined) ?? DEFAULT_PAGE_SIZE,
    body: operation.body ? await readBody(request, operation.body) : {},
    idempotencyKey: request.headers.get('idempotency-key')?.trim() || undefined,
    showSecrets,
  };
}

/**
 * Reads the documented parameters of a query string, and ignores others. Names are case-insensitive; an empty value is an absent one. The first of
 * repeated parameters counts, as in the Java servlet API that the vendor's clients were written against.
 * @param search begins with `?` or is empty
 */
function readQuery(search: string, parameters: readonly QueryParameter[]): Pick<ContractRequest, 'query' | 'given'> {
  const query: Record<string, unknown> = {};
  const given: [string, string][] = [];
  for (const pair of search.slice(1).split('&')) {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/.exec(pair) ?? [];
    const parameter = findParameter(name, parameters);
    if (!parameter || Object.hasOwn(query, parameter.name)) continue;
    const decoded = decode(parameter.name, value.replaceAll('+', ' '));
    const text = (parameter.leadingPlus ? decoded.replace(/^ (?=\d)/, '+') : decoded).trim();
    if (text === '') continue;
    query[parameter.name] = parameter.parse(text);
    if (parameter.name !== 'page' && parameter.name !== 'pageSize') given.push([parameter.name, text]);
  }
  return { query, given };
}

function findParameter(encodedName: string, parameters: readonly QueryParameter[]): QueryParameter | undefined {
  let name: string;
  try {
    name = decodeURIComponent(encodedName).toLowerCase();
  } catch {
    return undefined;
  }
  return parameters.find((parameter) => [parameter.name, ...(parameter.aliases ?? [])].some((one) => one.toLowerCase() === name));
}

/** A sid that cannot be decoded is not found, like any malformed one (REST.md, Answers). */
function decodeSid(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function decode(name: string, encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw invalidParameter(name, 'must be percent-encoded UTF-8', encoded);
  }
}
