import { Button } from '@fluentui/react-components';
import { useState } from 'react';
import { useClient } from 'urql';
import { graphql } from '../../graph/graphql.ts';
import { download } from '../../graph/links.ts';
import { type Problem, ProblemBar, problemOf } from '../../parts/states.tsx';
import { useWords } from '../../words/words.tsx';

const PACKAGE = graphql(`
  query AppPackage($sid: ID!) {
    bot(sid: $sid) { sid appPackage { url } }
  }
`);

/** Downloads the app package of a bot, by a link that is made for this download. */
export function AppPackage({ sid }: { readonly sid: string }) {
  const words = useWords();
  const client = useClient();
  const [problem, setProblem] = useState<Problem>();
  const start = async () => {
    setProblem(undefined);
    const { data, error } = await client.query(PACKAGE, { sid }, { requestPolicy: 'network-only' }).toPromise();
    const url = data?.bot?.appPackage?.url;
    if (url) download(url);
    else setProblem(error ? problemOf(error) : { code: 'INVALID_PARAMETER', message: words('bot.noPackage') });
  };
  return (
    <>
      <div>
        <Button onClick={() => void start()}>{words('bot.package')}</Button>
      </div>
      <p>{words('bot.packageText')}</p>
      {problem && <ProblemBar problem={problem} />}
    </>
  );
}
