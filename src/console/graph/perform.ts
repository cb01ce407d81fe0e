import type { TadaDocumentNode } from 'gql.tada';
import { useMutation } from 'urql';
import { type Problem, problemOf } from '../parts/states.tsx';
import { ask, problemFrom } from './ask.ts';

/** What a mutation of the graph answers in its one field: its success, or an error that has a code. */
type Answered<Data> = Data extends Readonly<Record<string, infer Result>> ? Exclude<Result, null | { readonly code: unknown }> : never;

type Outcome<Data> =
  | { readonly problem: Problem; readonly success?: undefined }
  | { readonly success: Answered<Data>; readonly problem?: undefined };

/** A function that runs a mutation of one field, with its `input`. Every run is safe to repeat within the request's own retries. */
export function usePerform<Data, Input>(document: TadaDocumentNode<Data, { input: Input }>): (input: Input) => Promise<Outcome<Data>> {
  const [, run] = useMutation<Data, { input: Input }>(document as never);
  return async (input) => {
    const { data, error } = await run({ input });
    return outcomeOf(data, error && problemOf(error));
  };
}

/** Runs a mutation of one field with credentials of its own: an access token may not. What is shown is not read again. */
export async function performAs<Data, Input>(
  authorization: string,
  document: TadaDocumentNode<Data, { input: Input }>,
  input: Input,
): Promise<Outcome<Data>> {
  try {
    return outcomeOf(await ask(document, { input }, authorization));
  } catch (error) {
    return { problem: problemFrom(error) };
  }
}

function outcomeOf<Data>(data: Data | undefined, problem: Problem = { code: 'UNKNOWN', message: '' }): Outcome<Data> {
  const [result] = Object.values(data ?? {}) as ({ readonly code?: string } | null)[];
  if (!result) return { problem };
  if (result.code !== undefined) return { problem: result as Problem };
  return { success: result as Answered<Data> };
}
