import { Button } from '@fluentui/react-components';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { useWords } from '../../words/words.tsx';

const UNLINK = graphql(`
  mutation UnlinkMicrosoftUser($input: UnlinkMicrosoftUserInput!) {
    unlinkMicrosoftUser(input: $input) {
      ... on UnlinkMicrosoftUserSuccess { admin { sid dateMicrosoftLinked } }
      ... on Error { code message path }
    }
  }
`);

/** Ends the link of an enterprise's admin with a Teams user. */
export function Unlink({
  enterprise: { sid, admin },
}: {
  readonly enterprise: { readonly sid: string; readonly admin: { readonly email: string } };
}) {
  const words = useWords();
  const unlink = usePerform(UNLINK);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>{words('admin.unlink')}</Button>
      {isOpen && (
        <FormDialog
          title={words('admin.unlink')}
          submitLabel={words('admin.unlink')}
          asked={[]}
          onSubmit={async () => (await unlink({ enterpriseSid: sid })).problem}
          onClose={() => setOpen(false)}
        >
          {words('admin.unlinkText', { email: admin.email })}
        </FormDialog>
      )}
    </>
  );
}
