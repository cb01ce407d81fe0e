import { type AnyRequest, targetOf } from '../server/node-request.ts';
import { readBody } from './body.ts';
import { invalidParameter } from './errors.ts';
import type { ContractRequest, Operation, QueryParameter } from './operation.ts';
import { defaultPageSize } from './parameters.ts';

/**
 * Reads what an operation takes from a request, and checks its form. What the values mean is the graph's to decide.
 *
 * @param sid as it stands in the path, still percent-encoded
 * @throws ContractFailure 450, 413 or 415
 */
export async function readRequest(request: AnyRequest, operation: Operation, sid: string, showSecrets: boolean): Promise<ContractRequest> {
  const { query, given } = readQuery(targetOf(request).search, operation.query ?? []);
  return {
    sid: decodedSid(sid),
    query,
    given,
    page: (query.page as number | undefined) ?? 0,
    pageSize: (query.pageSize as number | undefined) ?? defaultPageSize,
    body: operation.body ? await readBody(request, operation.body) : {},
    idempotencyKey: request.headers.get('idempotency-key')?.trim() || undefined,
    showSecrets,
  };
}

/**
 * The documented parameters of a query string. Names in any case; of one given twice the first counts, as in the servlet API
 * that the source's clients were written against; an empty value is an absent one; others are ignored.
 */
function readQuery(search: string, parameters: readonly QueryParameter[]): Pick<ContractRequest, 'query' | 'given'> {
  const query: Record<string, unknown> = {};
  const given: [string, string][] = [];
  for (const pair of search.slice(1).split('&')) {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/.exec(pair) ?? [];
    const parameter = find(name, parameters);
    if (!parameter || Object.hasOwn(query, parameter.name)) continue;
    const decoded = decode(parameter.name, value.replaceAll('+', ' '));
    const text = (parameter.leadingPlus ? decoded.replace(/^ (?=\d)/, '+') : decoded).trim();
    if (text === '') continue;
    query[parameter.name] = parameter.parse(text);
    if (parameter.name !== 'page' && parameter.name !== 'pageSize') given.push([parameter.name, text]);
  }
  return { query, given };
}

function find(written: string, parameters: readonly QueryParameter[]): QueryParameter | undefined {
  let name: string;
  try {
    name = decodeURIComponent(written).toLowerCase();
  } catch {
    return undefined;
  }
  return parameters.find((parameter) => [parameter.name, ...(parameter.aliases ?? [])].some((one) => one.toLowerCase() === name));
}

/** One that can't be decoded is nobody's, as any malformed one is. */
function decodedSid(encoded: string): string {
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
