import type { ComponentProps } from 'react';
import { problemFrom } from '../../graph/ask.ts';
import { basic, useSession } from '../../session/session.ts';
import { useWords } from '../../words/words.tsx';
import type { Problem } from '../states.tsx';
import { FormDialog } from './dialogs.tsx';

type Values = Readonly<Record<string, string>>;
type Result = Problem | (() => void) | undefined;

interface ConfirmedDialogProps extends Omit<ComponentProps<typeof FormDialog>, 'onSubmit'> {
  /** As a FormDialog's. @param authorization the signed-in one's own credentials, which are forgotten afterwards */
  readonly onSubmit: (values: Values, authorization: string) => Promise<Result>;
}

/** A form for what an access token may not do: it asks for the signed-in one's own auth token. Only for those who signed in with a name. */
export function ConfirmedDialog({ asked, onSubmit, ...form }: ConfirmedDialogProps) {
  const words = useWords();
  const name = useSession()?.name ?? '';
  return (
    <FormDialog
      {...form}
      asked={[...asked, { name: 'ownPassword', label: words('account.ownPassword'), type: 'password' }]}
      onSubmit={({ ownPassword = '', ...values }) => onSubmit(values, basic(name, ownPassword)).catch(problemFrom)}
    />
  );
}
