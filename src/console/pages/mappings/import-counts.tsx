import { useWords } from '../../words/words.tsx';

const OUTCOMES = ['pending', 'valid', 'invalid', 'created', 'existing', 'failed'] as const;

type ImportCounts = Readonly<Record<(typeof OUTCOMES)[number], number>>;

/** How many rows of an import have which outcome, in words. */
export function ImportOutcome({ counts }: { readonly counts: ImportCounts }) {
  const words = useWords();
  const some = OUTCOMES.filter((one) => counts[one] > 0);
  const texts = some.map((one) => `${words.number(counts[one])} ${words(`importRow.${one.toUpperCase() as Uppercase<typeof one>}`)}`);
  return <>{texts.join(', ') || '–'}</>;
}
