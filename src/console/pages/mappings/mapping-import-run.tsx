import { Button, Link, MessageBar, MessageBarBody, makeStyles, ProgressBar, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { useEffect, useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { usePerform } from '../../graph/perform.ts';
import { followStream } from '../../graph/stream.ts';
import { change, goTo, linkTo, usePlace } from '../../location.ts';
import { type Column, Table } from '../../parts/lists/table.tsx';
import { One } from '../../parts/one.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { detailOf, type Problem, ProblemBar, sentenceOf } from '../../parts/states.tsx';
import { mayImport } from '../../session/session.ts';
import { Time } from '../../words/times.tsx';
import { useSpeech, useWords, wordFor } from '../../words/words.tsx';
import { ImportOutcome } from './import-counts.tsx';

const IMPORT = graphql(`
  query MappingImport($sid: ID!, $after: Int!) {
    mappingImport(sid: $sid) {
      sid status isInterrupted errorCode errorMessage rowCount dateCreated counts { pending valid invalid created existing failed }
      enterprise { sid name }
      rows(statuses: [INVALID, FAILED], first: 101, afterNumber: $after) {
        number line name microsoftAddress externalAddress status errorCode errorMessage
      }
    }
  }
`);
const PROGRESS = graphql(`
  subscription ImportProgress($sid: ID!) {
    mappingImport(sid: $sid) {
      status isInterrupted rowCount counts { pending valid invalid created existing failed }
    }
  }
`);
const RUN = graphql(`
  mutation RunMappingImport($input: RunMappingImportInput!) {
    runMappingImport(input: $input) {
      ... on RunMappingImportSuccess { mappingImport { sid status } }
      ... on Error { code message path }
    }
  }
`);

/** How many rows are shown: one less than are read, which says whether there are more. */
const PAGE = 100;

const useStyles = makeStyles({
  progress: { maxWidth: '640px', margin: '0 0 24px' },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '12px', margin: '0 0 24px' },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500 },
});

type ImportData = NonNullable<ResultOf<typeof IMPORT>['mappingImport']>;
type Progress = NonNullable<ResultOf<typeof PROGRESS>['mappingImport']>;

const isUnderWay = ({ status }: Pick<ImportData, 'status'>) => status === 'CHECKING' || status === 'RUNNING';

/** One import: its check, what can be done with it, and how far it is. */
export default function MappingImportRun({ sid }: { readonly sid: string }) {
  const after = Number(usePlace().parameters.get('after') ?? 0) || 0;
  return (
    <One document={IMPORT} variables={{ sid, after }} thingOf={({ mappingImport }) => mappingImport} missing="import.unknown">
      {(one, reload) => <ImportPage data={one} reload={reload} />}
    </One>
  );
}

function ImportPage({ data, reload }: { readonly data: ImportData; readonly reload: () => void }) {
  const words = useWords();
  const styles = useStyles();
  const { language } = useSpeech();
  const now = useProgress(data, reload);
  const { sid, enterprise, errorMessage, dateCreated } = data;
  const time = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(dateCreated));
  return (
    <Page title={words('import.of', { time })}>
      <Facts
        facts={[
          [
            words('field.enterprise'),
            <Link key="enterprise" href={linkTo(`/enterprises/${enterprise.sid}`)}>
              {enterprise.name}
            </Link>,
          ],
          [words('field.status'), wordFor(words, 'importStatus', now.status)],
          [words('import.rows'), words.number(now.rowCount)],
          [words('import.counts'), <ImportOutcome key="counts" counts={now.counts} />],
          ...(errorMessage ? [[words('field.error'), words.said(errorMessage)] as const] : []),
          [words('field.created'), <Time key="created" value={dateCreated} />],
          ['SID', sid],
        ]}
      />
      {isUnderWay(now) && <Bar progress={now} className={styles.progress} />}
      {now.isInterrupted && (
        <MessageBar intent="warning">
          <MessageBarBody>{words('import.interrupted')}</MessageBarBody>
        </MessageBar>
      )}
      {!isUnderWay(now) && mayImport() && <Next data={data} className={styles.actions} />}
      {!isUnderWay(now) && <Problems rows={data.rows} className={styles.title} />}
    </Page>
  );
}

/** The import as it is read, and as its stream tells while it is under way. */
function useProgress(data: ImportData, reload: () => void): Progress {
  const [progress, setProgress] = useState<Progress>();
  const { sid } = data;
  const isFollowed = isUnderWay(data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another function at each rendering, which does the same
  useEffect(() => {
    if (!isFollowed) return;
    setProgress(undefined);
    return followStream<ResultOf<typeof PROGRESS>>({
      document: PROGRESS,
      variables: { sid },
      onNext: ({ mappingImport }) => {
        setProgress(mappingImport);
        return undefined;
      },
      // Its rows are read with it.
      onEnd: reload,
    });
  }, [sid, isFollowed]);
  return (isFollowed && progress) || data;
}

function Bar({ progress: { status, rowCount, counts }, className }: { readonly progress: Progress; readonly className: string }) {
  const words = useWords();
  const done = rowCount - (status === 'CHECKING' ? counts.pending : counts.valid);
  const text = words('import.progress', { done, all: rowCount });
  return (
    <div className={className}>
      <ProgressBar value={done} max={Math.max(rowCount, 1)} thickness="large" aria-label={text} />
      <p role="status">{text}</p>
    </div>
  );
}

/** What can be done with an import that waits for somebody. */
function Next({ data, className }: { readonly data: ImportData; readonly className: string }) {
  const words = useWords();
  const run = usePerform(RUN);
  const [problem, setProblem] = useState<Problem>();
  // As it was when it was started: until it is read again, it cannot be started once more.
  const [started, setStarted] = useState<ImportData>();
  const { sid, status, counts, enterprise } = data;
  const { pending, valid, invalid, failed } = counts;
  // Rows that could not be checked, as the platform did not respond, are tried by the run.
  const toCreate = status === 'CHECKED' || status === 'FAILED' ? valid + failed : failed;
  const isReady = status !== 'AWAITING_UPLOAD' && pending === 0 && toCreate > 0;
  const word = status === 'COMPLETED' ? 'import.retry' : invalid > 0 ? 'import.runValid' : 'import.run';

  async function start() {
    setStarted(data);
    const { problem: found } = await run({ sid, skipInvalid: invalid > 0 });
    setProblem(found);
    if (found) setStarted(undefined);
  }

  return (
    <>
      {problem && <ProblemBar problem={problem} />}
      {status === 'CHECKED' && toCreate === 0 && <p>{words('import.nothing')}</p>}
      <div className={className}>
        {isReady && (
          <Button appearance="primary" disabledFocusable={started === data} onClick={start}>
            {words(word, { count: toCreate })}
          </Button>
        )}
        <Button onClick={() => goTo('/mapping-import', { enterprise: enterprise.sid })}>{words('import.again')}</Button>
      </div>
    </>
  );
}

/** The rows that are invalid, or failed, and why. */
function Problems({ rows, className }: { readonly rows: ImportData['rows']; readonly className: string }) {
  const words = useWords();
  const { parameters } = usePlace();
  const columns: Column<ImportData['rows'][number]>[] = [
    { title: words('import.line'), isNumber: true, cell: ({ line }) => line },
    { title: words('field.teamsUser'), cell: ({ microsoftAddress }) => microsoftAddress || '–' },
    { title: words('field.number'), isWhole: true, cell: ({ externalAddress }) => externalAddress || '–' },
    { title: words('field.displayName'), cell: ({ name }) => name || '–' },
    { title: words('field.status'), cell: ({ status }) => wordFor(words, 'importRow', status) },
    {
      title: words('field.error'),
      cell: ({ errorCode, errorMessage }) => {
        const problem = { code: errorCode ?? 'UNKNOWN', message: errorMessage ?? '' };
        return [sentenceOf(words, problem), detailOf(words, problem)].filter(Boolean).join(' ');
      },
    },
  ];
  if (rows.length === 0 && !parameters.has('after')) return null;
  return (
    <section aria-label={words('import.problems')}>
      <h2 className={className}>{words('import.problems')}</h2>
      <Table caption={words('import.problems')} columns={columns} nodes={rows.slice(0, PAGE)} keyOf={({ number }) => String(number)} />
      {rows.length > PAGE && <Button onClick={() => change({ after: String(rows[PAGE - 1]?.number) })}>{words('list.next')}</Button>}
    </section>
  );
}
