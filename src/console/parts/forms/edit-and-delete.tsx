import { Button } from '@fluentui/react-components';
import { type ComponentProps, useState } from 'react';
import { goTo } from '../../location.ts';
import { useWords } from '../../words/words.tsx';
import type { Problem } from '../states.tsx';
import { FormDialog } from './dialogs.tsx';

interface EditAndDeleteProps {
  readonly asked: ComponentProps<typeof FormDialog>['asked'];
  /** @returns what is wrong */
  readonly onEdit: (values: Readonly<Record<string, string>>) => Promise<Problem | undefined>;
  readonly deleteTitle: string;
  /** What deleting does. */
  readonly deleteText: string;
  /** @returns what is wrong */
  readonly onDelete: () => Promise<Problem | undefined>;
  /** The path of the list to show after deleting. */
  readonly list: string;
}

/** The buttons that edit an object, and delete it after a confirmation. */
export function EditAndDelete({ asked, onEdit, deleteTitle, deleteText, onDelete, list }: EditAndDeleteProps) {
  const words = useWords();
  const [dialog, setDialog] = useState<'edit' | 'delete'>();
  const close = () => setDialog(undefined);
  return (
    <>
      <Button onClick={() => setDialog('edit')}>{words('action.edit')}</Button>
      <Button onClick={() => setDialog('delete')}>{words('action.delete')}</Button>
      {dialog === 'edit' && (
        <FormDialog title={words('action.edit')} submitLabel={words('action.save')} asked={asked} onSubmit={onEdit} onClose={close} />
      )}
      {dialog === 'delete' && (
        <FormDialog
          title={deleteTitle}
          submitLabel={words('action.delete')}
          asked={[]}
          onSubmit={async () => (await onDelete()) ?? (() => goTo(list))}
          onClose={close}
        >
          {deleteText}
        </FormDialog>
      )}
    </>
  );
}
