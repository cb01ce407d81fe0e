import { Button } from '@fluentui/react-components';
import { graphql } from '../../graph/graphql.ts';
import { One } from '../../parts/one.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { Time } from '../../words/times.tsx';
import { useWords } from '../../words/words.tsx';

const ERASURE = graphql(`
  query PersonErasure($sid: ID!) {
    personErasure(sid: $sid) { sid messages waiting dateCreated dateCompleted }
  }
`);

/** How far the erasure of a person is. Whose it is, nobody can see. */
export default function Erasure({ sid }: { readonly sid: string }) {
  const words = useWords();
  return (
    <One document={ERASURE} variables={{ sid }} thingOf={({ personErasure }) => personErasure} missing="erasure.unknown">
      {({ messages, waiting, dateCreated, dateCompleted }, reload) => (
        <Page title={words('erasure.title')} actions={<Button onClick={reload}>{words('action.refresh')}</Button>}>
          <Facts
            facts={[
              [words('field.status'), words(dateCompleted ? 'erasure.done' : 'erasure.underWay')],
              [words('erasure.messages'), words.number(messages)],
              [words('erasure.waiting'), words.number(waiting)],
              [words('erasure.requested'), <Time key="requested" value={dateCreated} />],
              [words('erasure.completed'), dateCompleted && <Time key="completed" value={dateCompleted} />],
              ['SID', sid],
            ]}
          />
          {waiting > 0 && <p>{words('erasure.waitingText')}</p>}
        </Page>
      )}
    </One>
  );
}
