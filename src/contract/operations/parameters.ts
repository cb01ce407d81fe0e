import { GRAPHQL_MAX_INT } from 'graphql';
import { invalidParameter } from '../errors.ts';
import { parseDate } from './dates.ts';
import type { JsonSchema, QueryParameter } from './operation.ts';

/** REST.md, Requests. */
export const MAX_PAGE_SIZE = 1000;
export const DEFAULT_PAGE_SIZE = 10;

/** A parsed sortBy, in the form of the graph's order input. */
interface SortOrder {
  readonly field: string;
  readonly direction: 'ASC' | 'DESC';
}

/** A filter by text that is passed on unchanged: the domain decides how it matches. */
export function text(name: string, description: string, example: string, aliases?: readonly string[]): QueryParameter {
  return { name, aliases, description, example, schema: { type: 'string' }, parse: (value) => value };
}

/** A filter by an address or a phone number. An unescaped leading `+`, which a query string turns into a space, is restored. */
export function address(name: string, description: string, example: string): QueryParameter {
  return { ...text(name, `${description} A leading \`+\` may be sent unescaped.`, example), leadingPlus: true };
}

export const enterpriseSid = text('enterpriseSid', 'Filters by the sid of the enterprise.', 'EN7d19fdad67914d91965b231cf706c065', [
  'enterpriseId',
]);

/** A filter by a value of an enum, ignoring case. */
export function choice(name: string, values: readonly string[], description: string): QueryParameter {
  return {
    name,
    description: `${description} One of ${values.join(', ')}, ignoring case.`,
    schema: inAnyCase(values),
    example: values[0],
    parse(value) {
      const found = values.find((one) => one.toLowerCase() === value.toLowerCase());
      if (found === undefined) throw invalidParameter(name, `must be one of ${values.join(', ')}`, value);
      return found;
    },
  };
}

function time(name: string, bound: 'start' | 'end', description: string, example: string): QueryParameter {
  return {
    name,
    description: `${description} YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS with an optional UTC offset; a date alone means 00:00 UTC.`,
    schema: { type: 'string' },
    example,
    parse(value) {
      const date = parseDate(value, bound);
      if (date === undefined) throw invalidParameter(name, 'must be a date like 2018-10-05 or 2018-10-05T22:45:32+0000', value);
      return date;
    },
  };
}

export const startTime = time('startTime', 'start', 'Filters by creation date: this time or later.', '2018-10-05T22:45:32');
export const endTime = time('endTime', 'end', 'Filters by creation date: this time or earlier.', '2038-10-06T02:10:03');

/**
 * `sortBy=attribute[:asc|:desc]`, ignoring case (REST.md, Requests).
 * @param fields the graph's order fields by documented attribute
 */
export function sortBy(fields: Readonly<Record<string, string>>): QueryParameter {
  const attributes = Object.keys(fields);
  return {
    name: 'sortBy',
    description: `Sort order: attribute or attribute:direction. Attributes: ${attributes.join(', ')}. Directions: asc (default), desc. Defaults to dateCreated:asc.`,
    schema: {
      anyOf: [
        { type: 'string', enum: attributes.flatMap((attribute) => [attribute, `${attribute}:asc`, `${attribute}:desc`]) },
        { type: 'string', pattern: `^${anyCase(attributes)}(:${anyCase(['asc', 'desc'])}?)?$` },
      ],
    },
    example: 'dateCreated:desc',
    parse(value): SortOrder {
      const [attribute = '', given = '', ...rest] = value.split(':').map((part) => part.trim().toLowerCase());
      const direction = given || 'asc';
      const found = attributes.find((one) => one.toLowerCase() === attribute);
      const field = found && fields[found];
      if (field === undefined) throw invalidParameter('sortBy', `attribute must be one of ${attributes.join(', ')}`, value);
      if (rest.length > 0 || (direction !== 'asc' && direction !== 'desc'))
        throw invalidParameter('sortBy', 'direction must be asc or desc', value);
      return { field, direction: direction === 'asc' ? 'ASC' : 'DESC' };
    },
  };
}

function integer(name: string, minimum: number, maximum: number, initial: number, description: string): QueryParameter {
  return {
    name,
    description,
    schema: { type: 'integer', minimum, maximum, default: initial },
    example: initial,
    parse(value) {
      const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= minimum && number <= maximum))
        throw invalidParameter(name, `must be an integer from ${minimum} to ${maximum}`, value);
      return number;
    },
  };
}

export const page = integer('page', 0, GRAPHQL_MAX_INT, 0, 'The page to return, counted from 0.');
export const pageSize = integer('pageSize', 1, MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE, 'Number of records in a page.');

/** The schema of a text that is one of the words, in any case: the words for generators, a pattern for validation. */
export function inAnyCase(words: readonly string[]): JsonSchema {
  return {
    anyOf: [
      { type: 'string', enum: words },
      { type: 'string', pattern: `^${anyCase(words)}$` },
    ],
  };
}

/** A regular expression for any of the words, ignoring case: JSON Schema has no flag for it. */
function anyCase(words: readonly string[]): string {
  const letters = (word: string) => word.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
  return `(${words.map(letters).join('|')})`;
}
