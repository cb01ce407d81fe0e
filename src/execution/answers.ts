import { type ExecutionResult, GraphQLError, type GraphQLResolveInfo, getArgumentValues, getVariableValues, locatedError } from 'graphql';
import type { Logger } from 'pino';
import { type PackedRow, UnpackableError } from '../database/lists/packed.ts';
import { isUnavailable } from '../database/unavailable.ts';
import type { Caller, Permission } from '../domain/caller.ts';
import { DomainError } from '../domain/errors.ts';
import type { PackedPage, Page } from '../domain/lists/pages.ts';
import type { DocumentPlan, ListGap, PageGap, PagePlan, RowGap } from './plans.ts';
import type { Template } from './template.ts';
import { type ListValues, rowValues } from './values.ts';

/** The JSON of a response. */
export interface JsonText {
  readonly text: string;
  readonly errors?: undefined;
}

/** A result without JSON. */
export interface ValuesResult extends ExecutionResult {
  readonly text?: undefined;
  /** Present if planned pages answered it. */
  readonly planned?: true;
}

/** What planned pages answer with. */
export interface Answers<Result> {
  /** Whether the page can be answered so. */
  readonly canAnswer: (page: PagePlan) => boolean;
  /** Answers the whole document. */
  readonly answer: (pages: readonly PagePlan[], answering: Answering) => Promise<Result>;
}

/** JSON, which is written from the packed rows directly. */
export const asText: Answers<JsonText> = {
  canAnswer: () => true,
  answer: async (pages, answering) => {
    const texts = await Promise.all(pages.map((page) => answering.page(page, ROOT, { key: page.key }).catch(atPage(page))));
    return { text: `{"data":{${pages.map(({ key }, place) => `"${key}":${texts[place]}`).join()}}}` };
  },
};

/** Values, for a caller that would only parse the JSON again. */
export const asValues: Answers<ValuesResult> = {
  canAnswer: ({ values }) => values !== undefined,
  answer: async (pages, answering) => {
    const values = await Promise.all(pages.map((page) => answering.values(page).catch(atPage(page))));
    return { data: Object.fromEntries(pages.map(({ key }, place) => [key, values[place]])), planned: true };
  },
};

/**
 * Answers a planned document. Calls its lists' resolvers with their arguments, and answers with the packed rows that they read directly, while the
 * general path makes an object of each row.
 * @param context the resolvers' context
 * @param log for unexpected errors, which the general path may not repeat
 * @returns `undefined` if the general path must answer, e.g. to report an error; nothing was changed then
 */
export async function answerPages<Result>(
  plan: DocumentPlan,
  context: { readonly caller: Caller },
  inputs: Readonly<Record<string, unknown>>,
  answers: Answers<Result>,
  log: Pick<Logger, 'warn'>,
): Promise<Result | ValuesResult | undefined> {
  const { schema, operation, pages, permissions, packed } = plan;
  if (!permissions.every((permission) => context.caller.permissions.has(permission as Permission))) return undefined;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], inputs, { maxErrors: 1 });
  if (!coerced) return undefined;
  try {
    const answering = new Answering(plan, Object.assign({}, context, { packed }), coerced);
    if (pages.some(({ isNested }) => isNested)) await answering.check(pages);
    return await answers.answer(pages, answering);
  } catch (error) {
    if (error instanceof GraphQLError && error.originalError instanceof DomainError) return { data: null, errors: [error] };
    if (!isUnavailable(error)) {
      const { requestId } = context.caller;
      if (!isOnPurpose(error)) log.warn({ err: error, requestId }, 'cannot answer a planned page; using the general path');
      return undefined;
    }
    const [{ node, key }] = pages as [PagePlan];
    return { data: null, errors: [locatedError(error, [node], [key])] };
  }
}

const isOnPurpose = (error: unknown) => [DomainError, GraphQLError, UnpackableError].some((kind) => error instanceof kind);

const ROOT = {};

/** Replaces a request's loaders (schema/loaders.ts) to read no page of any parent, which leaves the checks of the arguments. */
const OF_NO_PARENT = {
  pagesOf: (_field: object, read: (parentSids: readonly string[]) => Promise<unknown>) => ({ load: () => read([]) }),
};

/** The place of a list in the response: the last key of its path, and the place that contains it. */
interface ResponsePlace {
  readonly key: string | number;
  readonly before?: ResponsePlace;
}

/**
 * Locates a refusal, which the general path would only repeat.
 * @param place of a list within others; absent for a root field
 */
const atPage =
  ({ node, key }: PagePlan, place: ResponsePlace = { key }) =>
  (error: unknown): never => {
    throw error instanceof DomainError ? locatedError(error, [node], pathOf(place)) : error;
  };

function pathOf(place: ResponsePlace): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at: ResponsePlace | undefined = place; at; at = at.before) path.unshift(at.key);
  return path;
}

class Answering {
  readonly #plan: DocumentPlan;
  readonly #context: object;
  readonly #variables: Record<string, unknown>;
  readonly #arguments = new Map<PagePlan, { readonly args: object; readonly info: GraphQLResolveInfo }>();

  constructor(plan: DocumentPlan, context: object, variables: Record<string, unknown>) {
    this.#plan = plan;
    this.#context = context;
    this.#variables = variables;
  }

  /** Returns the values of a list that has a plan for them. */
  async values(plan: PagePlan): Promise<Record<string, unknown>> {
    const page = await this.#read(plan, ROOT);
    const { members, columns } = plan.values as ListValues;
    const values: Record<string, unknown> = {};
    for (const [key, part] of members) {
      values[key] = part === 'rows' ? page.packed.rows.map((row) => rowValues(columns, row)) : await page[part]();
    }
    return values;
  }

  /**
   * Checks the arguments of the lists within these, before anything is read that the general path, which reports errors with their paths, would read again.
   * @throws as their resolvers
   */
  async check(pages: readonly PagePlan[]): Promise<void> {
    const nested = pages.flatMap(({ row }) => row.gaps.filter(isList).map(({ list }) => list));
    const context = { ...this.#context, loaders: OF_NO_PARENT };
    await Promise.all(
      nested.map((plan) => {
        const { args, info } = this.#argumentsOf(plan);
        return plan.resolve(ROOT, args, context, info);
      }),
    );
    if (nested.length > 0) await this.check(nested);
  }

  async #read(plan: PagePlan, parent: object): Promise<Page<never> & { readonly packed: PackedPage }> {
    const { args, info } = this.#argumentsOf(plan);
    const page = (await plan.resolve(parent, args, this.#context, info)) as Page<never>;
    if (!page.packed) throw new Error(`${plan.key} is not packed`);
    return page as Page<never> & { readonly packed: PackedPage };
  }

  /** Writes a page of a parent's list as JSON. */
  async page(plan: PagePlan, parent: object, where: ResponsePlace): Promise<string> {
    const page = await this.#read(plan, parent);
    const { texts, gaps } = plan.page;
    let text = texts[0] as string;
    for (let place = 0; place < gaps.length; place += 1) {
      const gap = gaps[place] as PageGap;
      if (gap === 'rows') text += plan.isNested ? await this.#nestedRows(plan, page.packed, where) : plainRows(plan.row, page.packed);
      else if (gap === 'totalCount' || gap === 'totalCountIsExact') text += await page[gap]();
      else text += JSON.stringify(page.pageInfo[gap]);
      text += texts[place + 1];
    }
    return text;
  }

  /** Writes rows that contain lists, which are all read at once. */
  async #nestedRows({ row, rowsKey = '' }: PagePlan, { rows, cursorOf }: PackedPage, where: ResponsePlace): Promise<string> {
    const before = { key: rowsKey, before: where };
    const lists = await Promise.all(
      row.gaps.map((gap) =>
        isList(gap) ? Promise.all(rows.map((values, at) => this.#list(gap, values, { key: at, before }))) : undefined,
      ),
    );
    return rowsText(row.texts, rows, (values, place, at) => lists[place]?.[at] ?? filled(row.gaps[place] as RowGap, values, cursorOf));
  }

  /** Writes a list of a row as JSON. */
  #list({ sidPlace, list, path }: ListGap, values: PackedRow, row: ResponsePlace): Promise<string> {
    const place = path.reduce<ResponsePlace>((before, key) => ({ key, before }), row);
    return this.page(list, { sid: values[sidPlace] }, place).catch(atPage(list, place));
  }

  /** Returns a list's arguments and info, which are the same for all its parents. */
  #argumentsOf(page: PagePlan) {
    let known = this.#arguments.get(page);
    if (!known) {
      const { schema, operation, fragments } = this.#plan;
      const { field, node, key, parentType } = page;
      const args = getArgumentValues(field, node, this.#variables);
      const info = {
        fieldName: field.name,
        fieldNodes: [node],
        returnType: field.type,
        parentType,
        path: { prev: undefined, key, typename: parentType.name },
        schema,
        fragments,
        rootValue: ROOT,
        operation,
        variableValues: this.#variables,
      };
      known = { args, info };
      this.#arguments.set(page, known);
    }
    return known;
  }
}

const isList = (gap: RowGap): gap is ListGap => typeof gap === 'object' && 'list' in gap;

const plainRows = ({ texts, gaps }: Template<RowGap>, { rows, cursorOf }: PackedPage): string =>
  rowsText(texts, rows, (values, place) => filled(gaps[place] as RowGap, values, cursorOf));

/** @param fill returns the text for a gap of a row */
function rowsText(
  texts: readonly string[],
  rows: readonly PackedRow[],
  fill: (row: PackedRow, place: number, at: number) => string,
): string {
  let text = '';
  for (let at = 0; at < rows.length; at += 1) {
    text += at === 0 ? texts[0] : `,${texts[0]}`;
    for (let place = 1; place < texts.length; place += 1) text += fill(rows[at] as PackedRow, place - 1, at) + texts[place];
  }
  return text;
}

const filled = (gap: RowGap, row: PackedRow, cursorOf: PackedPage['cursorOf']): string =>
  typeof gap === 'object' && 'form' in gap ? gap.form.write(row[gap.place] as string) : `"${cursorOf(row)}"`;
