import { Button } from '@fluentui/react-components';
import type { TadaDocumentNode } from 'gql.tada';
import { useState } from 'react';
import { download } from '../graph/links.ts';
import { usePerform } from '../graph/perform.ts';
import type { Problem } from './states.tsx';

interface DownloadProps<Data, Input> {
  readonly label: string;
  /** A mutation whose success has a `url`. */
  readonly document: TadaDocumentNode<Data, { input: Input }>;
  readonly input: Input;
  readonly isDisabled?: boolean;
  /** Whether it may begin; shows what is wrong if not. */
  readonly mayBegin?: () => boolean;
  /** Called with what is wrong, and without it once the download has begun. */
  readonly onProblem: (problem: Problem | undefined) => void;
}

/** A button that has a file prepared, and downloads it by its link. */
export function Download<Data, Input>({ label, document: mutation, input, isDisabled, mayBegin, onProblem }: DownloadProps<Data, Input>) {
  const prepare = usePerform(mutation);
  const [isBusy, setBusy] = useState(false);

  async function start() {
    if (mayBegin?.() === false) return;
    setBusy(true);
    const { problem, success } = await prepare(input);
    setBusy(false);
    onProblem(problem);
    if (success) download((success as unknown as { readonly url: string }).url);
  }

  return (
    <Button disabledFocusable={isDisabled || isBusy} onClick={start}>
      {label}
    </Button>
  );
}
