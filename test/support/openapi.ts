import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

interface Described {
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
}

/** Holds answers against an OpenAPI 3.1 document. */
export interface OpenApi {
  /** Throws, with what differs, where the answer is not one that the document describes for this request. */
  expectMatches(method: string, url: URL, response: Response, body: string): void;
}

/**
 * Compiles the document's schemas once. They permit more than they describe, since later versions may add fields; this version may not return any.
 */
export function compileOpenApi(document: object): OpenApi {
  const { paths } = document as Description;
  const ajv = new Ajv2020({ strict: true, allErrors: true, validateFormats: false, formats: {} });
  ajv.addVocabulary(['openapi', 'info', 'servers', 'security', 'tags', 'paths', 'components']);
  ajv.addSchema(closed(document) as object, 'contract');
  const validators = new Map<string, ValidateFunction>();

  function validator(pointer: string): ValidateFunction {
    const known = validators.get(pointer) ?? ajv.compile({ $ref: `contract#${pointer}` });
    validators.set(pointer, known);
    return known;
  }

  return {
    expectMatches(method, url, response, body) {
      const route = find(paths, method, url.pathname);
      const pointer = route ? describedAnswer(route, response.status) : refusalOf(paths, url.pathname, response);
      const told = `${method} ${url.pathname} answered ${response.status} ${body}`;
      if (!pointer) throw new Error(`${told}: OpenAPI knows no such answer`);
      if (response.headers.get('content-type') !== 'application/json; charset=utf-8') throw new Error(`${told}: not as JSON`);
      if (response.status === 401 && !response.headers.has('www-authenticate')) throw new Error(`${told}: without a challenge`);
      if (method === 'HEAD') return;
      const validate = validator(pointer);
      if (!validate(JSON.parse(body))) throw new Error(`${told}: ${ajv.errorsText(validate.errors)}`);
    },
  };
}

/** The document with `additionalProperties: false` in each schema that has properties. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (typeof part !== 'object' || part === null) return part;
  const parts = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, closed(value)]));
  return 'properties' in part && 'type' in part && part.type === 'object' ? { ...parts, additionalProperties: false } : parts;
}

interface Route {
  readonly path: string;
  readonly method: string;
  readonly described: Described;
}

function find(paths: Description['paths'], method: string, pathname: string): Route | undefined {
  const path = template(paths, pathname);
  const key = method === 'HEAD' ? 'get' : method.toLowerCase();
  const described = path && paths[path]?.[key];
  return path && described ? { path, method: key, described } : undefined;
}

/** The path as the document writes it: fixed ones before those with `{sid}`, as OpenAPI wants them matched. */
function template(paths: Description['paths'], pathname: string): string | undefined {
  const path = pathname.replace(/\/$/, '');
  const withSid = path.replace(/\/[^/]+$/, '/{sid}');
  return [path, withSid].find((one) => Object.hasOwn(paths, one));
}

function describedAnswer({ path, method, described }: Route, status: number): string | undefined {
  if (!Object.hasOwn(described.responses, String(status))) return undefined;
  const escaped = path.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D');
  return `/paths/${escaped}/${method}/responses/${status}/content/application~1json/schema`;
}

/** What is no operation is refused, once the caller is known. */
function refusalOf(paths: Description['paths'], pathname: string, response: Response): string | undefined {
  const expected = template(paths, pathname) ? 405 : 404;
  const plausible =
    [expected, 401, 403, 429, 500, 503].includes(response.status) && (response.status !== 405 || response.headers.has('allow'));
  return plausible ? `/components/schemas/Refusal${response.status}` : undefined;
}
