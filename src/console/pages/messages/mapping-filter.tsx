import { useState } from 'react';
import { useAnswer } from '../../graph/answer.ts';
import { graphql } from '../../graph/graphql.ts';
import { usePlace } from '../../location.ts';
import { ChoiceFilter } from '../../parts/lists/filters.tsx';
import { useWords } from '../../words/words.tsx';

const NAME = graphql(`
  query MappingName($sid: ID!) {
    mapping(sid: $sid) { sid name }
  }
`);

/** Shows the mapping that a link has filtered the list by, so that it can be taken away, and chosen again. */
export function MappingFilter() {
  const words = useWords();
  const now = usePlace().parameters.get('mapping') ?? '';
  const [known, setKnown] = useState(now);
  const sid = now || known;
  if (sid !== known) setKnown(sid);
  const { data } = useAnswer({ document: NAME, variables: { sid }, isPaused: sid === '' });
  if (sid === '') return null;
  return <ChoiceFilter name="mapping" label={words('field.mapping')} choices={[[sid, data?.mapping?.name ?? sid]]} />;
}
