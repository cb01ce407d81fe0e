import { Field, Input, Select } from '@fluentui/react-components';
import { useQuery } from 'urql';
import { graphql } from '../graph/graphql.ts';
import { usePlace } from '../location.ts';
import { useWords } from '../words/words.tsx';
import { ChoiceFilter, TextFilter } from './filters.tsx';

const CHOICES = graphql(`
  query EnterpriseChoices($filter: EnterpriseFilter) {
    enterprises(first: 100, filter: $filter, orderBy: { field: NAME }) {
      nodes { sid name }
      pageInfo { hasNextPage }
    }
  }
`);
const CONTEXT = { additionalTypenames: ['Enterprise'] };

/**
 * Sids and names of enterprises to choose from, at most 100.
 * @param isOpen whether closed ones are left out
 */
export function useEnterpriseChoices(isOpen = false): readonly (readonly [string, string])[] | undefined {
  const [{ data }] = useQuery({
    query: CHOICES,
    variables: { filter: isOpen ? { statuses: ['ACTIVE', 'INACTIVE'] } : {} },
    context: CONTEXT,
  });
  return data?.enterprises.nodes.map(({ sid, name }) => [sid, name] as const);
}

/** Whether there are too many to choose from: then the sid is asked for. */
export const areMany = (choices: readonly unknown[]) => choices.length >= 100;

interface EnterpriseFieldProps {
  readonly choices: readonly (readonly [string, string])[];
  readonly value: string;
  /** The choice of no enterprise. */
  readonly none: string;
  readonly className?: string;
  readonly onChange: (sid: string) => void;
}

/** Asks for an enterprise: by name if there are few, by sid otherwise. */
export function EnterpriseField({ choices, value, none, className, onChange }: EnterpriseFieldProps) {
  const words = useWords();
  if (areMany(choices)) {
    return (
      <Field label={words('field.enterpriseSid')} hint={none} className={className}>
        <Input value={value} autoComplete="off" onChange={(_, { value: sid }) => onChange(sid.trim())} />
      </Field>
    );
  }
  return (
    <Field label={words('field.enterprise')} className={className}>
      <Select value={value} onChange={(_, { value: sid }) => onChange(sid)}>
        <option value="">{none}</option>
        {choices.map(([sid, name]) => (
          <option key={sid} value={sid}>
            {name}
          </option>
        ))}
      </Select>
    </Field>
  );
}

/** Filters by an enterprise: by name if there are few, by sid otherwise. */
export function EnterpriseFilter() {
  const words = useWords();
  const choices = useEnterpriseChoices() ?? [];
  const chosen = usePlace().parameters.get('enterprise');
  if (areMany(choices)) return <TextFilter name="enterprise" label={words('field.enterpriseSid')} />;
  const isKnown = !chosen || choices.some(([sid]) => sid === chosen);
  return <ChoiceFilter name="enterprise" label={words('field.enterprise')} choices={isKnown ? choices : [...choices, [chosen, chosen]]} />;
}
