import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
} from 'graphql';
import type { PackedField } from '../database/lists/packed.ts';
import { boolean, type Form, globalIdOf, instant, list, nullOr, number, text } from './forms.ts';
import type { PagePlan, RowGap } from './plans.ts';
import { exposedColumnOf } from './pothos.ts';
import { TemplateBuilder } from './template.ts';

/** The document contains something that only the general path can answer. */
export class UnplannableError extends Error {
  override readonly name = 'UnplannableError';
}

type ColumnGap = { place: number; readonly form: Form } | { sidPlace: number; readonly list: PagePlan; readonly path: readonly string[] };

/** Builds a row's template. The places of its columns in the packed row are known only once all columns are. */
export class RowPlanning extends TemplateBuilder<RowGap> {
  /** Each column once, even if it is selected several times. */
  readonly #columns = new Map<string, PackedField>();
  readonly #columnOf = new Map<ColumnGap, string>();

  /**
   * Leaves a gap for a list within the row.
   * @param path the response keys that lead to it
   */
  list(list: PagePlan, path: readonly string[]): void {
    this.#leaveFor(SID, { sidPlace: 0, list, path });
  }

  /**
   * Leaves a gap for an exposed column.
   * @throws UnplannableError for any other field
   */
  column(type: GraphQLObjectType, field: GraphQLField<unknown, unknown> | undefined): void {
    if (!field) throw new UnplannableError();
    if (field.name === 'id' && type.getInterfaces().some(({ name }) => name === 'Node')) {
      this.#leaveFor(SID, { place: 0, form: globalIdOf(type.name) });
      return;
    }
    if (exposedColumnOf(field) !== field.name) throw new UnplannableError();
    const nullable = !isNonNullType(field.type);
    const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
    if (nullable && isList) throw new UnplannableError();
    const form = formOf(field.type, isList);
    this.#leaveFor({ field: field.name, nullable, list: isList }, { place: 0, form: nullable ? nullOr(form) : form });
  }

  /**
   * Completes the template.
   * @returns its columns, sorted: equal sets of columns give equal statements
   */
  settle(): readonly PackedField[] {
    if (this.#columns.size === 0) this.#columns.set(SID.field, SID);
    const names = [...this.#columns.keys()].sort();
    for (const [gap, name] of this.#columnOf) {
      if ('list' in gap) gap.sidPlace = names.indexOf(name);
      else gap.place = names.indexOf(name);
    }
    return names.map((name) => this.#columns.get(name) as PackedField);
  }

  #leaveFor(column: PackedField, gap: ColumnGap): void {
    this.#columns.set(column.field, column);
    this.#columnOf.set(gap, column.field);
    this.leave(gap);
  }
}

const SID: PackedField = { field: 'sid', nullable: false, list: false };

function formOf(type: GraphQLOutputType, isList: boolean): Form {
  const named = getNamedType(type);
  if (isList) {
    if (named.name === 'String' || named.name === 'ID') return list;
  } else if (isEnumType(named)) {
    if (named.getValues().every(({ name, value }) => value === name)) return text;
  } else if (named.name in SCALARS) {
    return SCALARS[named.name as keyof typeof SCALARS];
  }
  throw new UnplannableError();
}

const SCALARS = { String: text, ID: text, Int: number, Boolean: boolean, DateTime: instant } as const;
