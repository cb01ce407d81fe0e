import { Button } from '@fluentui/react-components';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { performAs } from '../../graph/perform.ts';
import { ConfirmedDialog } from '../../parts/forms/confirmed-dialog.tsx';
import { isProvider, useSession } from '../../session/session.ts';
import { useWords } from '../../words/words.tsx';

const UPDATE_ADMIN = graphql(`
  mutation UpdateAdmin($input: UpdateEnterpriseInput!) {
    updateEnterprise(input: $input) {
      ... on UpdateEnterpriseSuccess { enterprise { sid } }
      ... on Error { code message path }
    }
  }
`);
const RESET_PASSWORD = graphql(`
  mutation ResetAdminPassword($input: ResetAdminPasswordInput!) {
    resetAdminPassword(input: $input) {
      ... on ResetAdminPasswordSuccess { enterprise { sid } }
      ... on Error { code message path }
    }
  }
`);

interface AdminActionsProps {
  readonly enterprise: { readonly sid: string; readonly admin: { readonly email: string; readonly name: string | null } };
  readonly onChange: () => void;
}

/** What a provider does to an enterprise's administrator, with its own credentials only. */
export function AdminActions({ enterprise: { sid, admin }, onChange }: AdminActionsProps) {
  const words = useWords();
  const [dialog, setDialog] = useState<'change' | 'reset'>();
  const name = useSession()?.name;
  const close = () => setDialog(undefined);
  if (!isProvider() || name === undefined) return null;
  return (
    <>
      <Button onClick={() => setDialog('change')}>{words('admin.change')}</Button>
      <Button onClick={() => setDialog('reset')}>{words('admin.reset')}</Button>
      {dialog === 'change' && (
        <ConfirmedDialog
          title={words('admin.change')}
          submitLabel={words('action.save')}
          asked={[
            { name: 'email', label: words('field.adminEmail'), type: 'email', value: admin.email },
            { name: 'name', label: words('field.adminName'), value: admin.name ?? '', isOptional: true },
          ]}
          onSubmit={async ({ email, name: shown }, authorization) => {
            const enterpriseAdmin = { email, name: shown || undefined };
            return (await performAs(authorization, UPDATE_ADMIN, { sid, enterpriseAdmin })).problem ?? onChange;
          }}
          onClose={close}
        >
          {words('admin.changeText')}
        </ConfirmedDialog>
      )}
      {dialog === 'reset' && (
        <ConfirmedDialog
          title={`${words('admin.reset')}: ${admin.email}`}
          submitLabel={words('admin.reset')}
          asked={[{ name: 'password', label: words('admin.newPassword'), type: 'password', hint: words('enterprise.passwordHint') }]}
          onSubmit={async ({ password = '' }, authorization) =>
            (await performAs(authorization, RESET_PASSWORD, { enterpriseSid: sid, password })).problem ?? onChange
          }
          onClose={close}
        >
          {words('admin.resetText')}
        </ConfirmedDialog>
      )}
    </>
  );
}
