import { parseDate } from './dates.ts';
import { invalidParameter } from './errors.ts';
import type { QueryParameter } from './operation.ts';

/** GraphQL's Int. An offset beyond it is beyond every table too. */
export const largestInt = 2_147_483_647;
export const largestPageSize = 1000;
export const defaultPageSize = 10;

/** What sortBy was parsed to: the graph's order input. */
export interface Order {
  readonly field: string;
  readonly direction: 'ASC' | 'DESC';
}

/** A filter that is handed on as it is; how it matches, the domain decides. */
export function text(name: string, description: string, aliases?: readonly string[]): QueryParameter {
  return { name, aliases, description, schema: { type: 'string' }, parse: (value) => value };
}

/** A filter on an address or number, where a leading `+` that arrived as a space is still a `+`. */
export function address(name: string, description: string): QueryParameter {
  return { ...text(name, `${description} A leading \`+\` may be sent unescaped.`), leadingPlus: true };
}

export const enterpriseSid = text('enterpriseSid', 'Only those of the enterprise with this sid.', ['enterpriseId']);

/** One of an enum's values, in any case. */
export function choice(name: string, values: readonly string[], description: string): QueryParameter {
  return {
    name,
    description: `${description} One of ${values.join(', ')}, in any case.`,
    schema: { type: 'string', pattern: anyCase(values) },
    parse(value) {
      const found = values.find((one) => one.toLowerCase() === value.toLowerCase());
      if (found === undefined) throw invalidParameter(name, `must be one of ${values.join(', ')}`, value);
      return found;
    },
  };
}

function time(name: string, bound: 'start' | 'end', description: string): QueryParameter {
  return {
    name,
    description: `${description} YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS with an optional offset, inclusive, UTC; a date alone is its midnight.`,
    schema: { type: 'string' },
    parse(value) {
      const date = parseDate(value, bound);
      if (date === undefined) throw invalidParameter(name, 'must be a date like 2018-10-05 or 2018-10-05T22:45:32+0000', value);
      return date;
    },
  };
}

export const startTime = time('startTime', 'start', 'Only those created at this time or later.');
export const endTime = time('endTime', 'end', 'Only those created at this time or earlier.');

/**
 * `sortBy=attribute[:asc|:desc]`, attribute and direction in any case.
 *
 * @param fields the documented attribute → the graph's order field
 */
export function sortBy(fields: Readonly<Record<string, string>>): QueryParameter {
  const attributes = Object.keys(fields);
  return {
    name: 'sortBy',
    description: `attribute or attribute:direction. Attributes: ${attributes.join(', ')}; directions: asc (the default), desc. Unsorted: dateCreated:asc.`,
    schema: { type: 'string', pattern: `${anyCase(attributes).slice(0, -1)}(:${anyCase(['asc', 'desc']).slice(1, -1)})?$` },
    parse(value): Order {
      const [attribute = '', direction = 'asc', ...rest] = value.split(':').map((part) => part.trim().toLowerCase());
      const found = attributes.find((one) => one.toLowerCase() === attribute);
      const field = found && fields[found];
      if (field === undefined) throw invalidParameter('sortBy', `attribute must be one of ${attributes.join(', ')}`, value);
      if (rest.length > 0 || (direction !== 'asc' && direction !== 'desc'))
        throw invalidParameter('sortBy', 'direction must be asc or desc', value);
      return { field, direction: direction === 'asc' ? 'ASC' : 'DESC' };
    },
  };
}

function integer(name: string, least: number, most: number, initial: number, description: string): QueryParameter {
  return {
    name,
    description,
    schema: { type: 'integer', minimum: least, maximum: most, default: initial },
    parse(value) {
      const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= least && number <= most)) throw invalidParameter(name, `must be an integer from ${least} to ${most}`, value);
      return number;
    },
  };
}

export const page = integer('page', 0, largestInt, 0, 'The page to answer, counted from 0.');
export const pageSize = integer('pageSize', 1, largestPageSize, defaultPageSize, 'How many records a page has.');

/** A regular expression for any of the words in any case: JSON Schema has no flag for it. */
function anyCase(words: readonly string[]): string {
  const letters = (word: string) => word.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
  return `^(${words.map(letters).join('|')})$`;
}
