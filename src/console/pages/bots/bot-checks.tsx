import { Button, Field, Input, makeStyles, Spinner, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { type Problem, ProblemBar } from '../../parts/states.tsx';
import { useWords, wordFor } from '../../words/words.tsx';

const VERIFY = graphql(`
  mutation VerifyBot($input: VerifyBotInput!) {
    verifyBot(input: $input) {
      ... on VerifyBotSuccess { passed checks { step passed skipped message cure credentialSid } }
      ... on Error { code message path }
    }
  }
`);

const useStyles = makeStyles({
  list: { listStyle: 'none', margin: '12px 0', padding: 0, display: 'grid', gap: '12px' },
  passed: { color: tokens.colorStatusSuccessForeground1, fontWeight: tokens.fontWeightSemibold },
  failed: { color: tokens.colorStatusDangerForeground1, fontWeight: tokens.fontWeightSemibold },
  user: { maxWidth: '420px', margin: '24px 0 12px' },
  message: { margin: '4px 0 0', overflowWrap: 'anywhere' },
});

type Verified = Extract<NonNullable<ResultOf<typeof VERIFY>['verifyBot']>, { passed: boolean }>;

/** Checks a bot with Microsoft, and shows each step with its cure, until the bot is changed. */
export function BotChecks({ bot: { sid, dateUpdated } }: { readonly bot: { readonly sid: string; readonly dateUpdated?: string } }) {
  const words = useWords();
  const styles = useStyles();
  const verify = usePerform(VERIFY);
  const [microsoftAddress, setMicrosoftAddress] = useState('');
  const [state, setState] = useState<'idle' | 'busy' | { verified?: Verified; problem?: Problem }>('idle');

  const [version, setVersion] = useState(dateUpdated);
  if (version !== dateUpdated) {
    setVersion(dateUpdated);
    if (state !== 'busy') setState('idle');
  }

  async function run() {
    setState('busy');
    const { problem, success } = await verify({ sid, microsoftAddress: microsoftAddress || undefined });
    setState({ problem, verified: success as Verified | undefined });
  }

  const { verified, problem } = typeof state === 'object' ? state : {};
  return (
    <section aria-label={words('bot.verify')}>
      <Field label={words('bot.checkUser')} hint={words('bot.checkUserHint')} className={styles.user}>
        <Input
          value={microsoftAddress}
          onChange={(_, { value }) => {
            setMicrosoftAddress(value);
            if (state !== 'busy') setState('idle');
          }}
        />
      </Field>
      <Button onClick={run} disabledFocusable={state === 'busy'} appearance="primary">
        {words('bot.verify')}
      </Button>
      <div aria-live="polite">
        {state === 'busy' && <Spinner label={words('bot.verifying')} size="tiny" />}
        {problem && <ProblemBar problem={problem} />}
        {verified && (
          <>
            <p className={verified.passed ? styles.passed : styles.failed}>{words(verified.passed ? 'bot.allPassed' : 'bot.somePassed')}</p>
            <ol className={styles.list}>
              {verified.checks.map(({ step, passed, skipped, message, cure, credentialSid }) => (
                <li key={`${step} ${credentialSid} ${message}`}>
                  <span className={passed ? styles.passed : skipped ? undefined : styles.failed}>
                    {passed ? '✓' : skipped ? '–' : '✗'} {wordFor(words, 'botStep', step)}
                    {credentialSid && ` (${credentialSid})`}: {words(passed ? 'bot.passed' : skipped ? 'bot.skipped' : 'bot.failed')}
                  </span>
                  {cure && <p className={styles.message}>{words.said(cure)}</p>}
                  {message && <p className={styles.message}>{words.said(message)}</p>}
                </li>
              ))}
            </ol>
          </>
        )}
      </div>
    </section>
  );
}
