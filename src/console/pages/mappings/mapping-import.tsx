import { Button, Link, makeStyles, Spinner, tokens } from '@fluentui/react-components';
import type { ResultOf } from 'gql.tada';
import { type FormEvent, useState } from 'react';
import { useAnswer } from '../../graph/answer.ts';
import { problemFrom } from '../../graph/ask.ts';
import { graphql } from '../../graph/graphql.ts';
import { linkHere } from '../../graph/links.ts';
import { usePerform } from '../../graph/perform.ts';
import { goTo, linkTo, usePlace } from '../../location.ts';
import { FormDialog } from '../../parts/forms/dialogs.tsx';
import { EnterpriseField, useEnterpriseName } from '../../parts/forms/enterprise-choice.tsx';
import { FileField } from '../../parts/forms/file-field.tsx';
import { type Column, Table } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { type Problem, ProblemBar } from '../../parts/states.tsx';
import { Time } from '../../words/times.tsx';
import { useWords, wordFor } from '../../words/words.tsx';
import { ImportOutcome } from './import-counts.tsx';

const PREPARE = graphql(`
  mutation ImportMappings($input: ImportMappingsInput!) {
    importMappings(input: $input) {
      ... on ImportMappingsSuccess { mappingImport { sid } uploadUrl }
      ... on Error { code message path }
    }
  }
`);
const FROM_GROUP = graphql(`
  mutation MappingsFromGroup($input: MappingsFromGroupInput!) {
    mappingsFromGroup(input: $input) {
      ... on MappingsFromGroupSuccess { mappingImport { sid } }
      ... on Error { code message path }
    }
  }
`);
const LATEST = graphql(`
  query LatestImports {
    mappingImports(first: 10) {
      sid status dateCreated counts { pending valid invalid created existing failed }
      enterprise { sid name }
    }
  }
`);

const useStyles = makeStyles({
  form: { display: 'flex', flexDirection: 'column', gap: '16px', maxWidth: '640px', marginBottom: '32px' },
  text: { margin: 0 },
  end: { alignSelf: 'flex-start' },
  title: { fontSize: tokens.fontSizeBase500, lineHeight: tokens.lineHeightBase500 },
});

type ImportRow = ResultOf<typeof LATEST>['mappingImports'][number];

/** Chooses a file, and has its rows checked. */
export default function MappingImport() {
  const words = useWords();
  const styles = useStyles();
  const given = usePlace().parameters.get('enterprise') ?? undefined;
  const prepare = usePerform(PREPARE);
  const fromGroup = usePerform(FROM_GROUP);
  const [isGroup, setGroup] = useState(false);
  const [enterpriseSid, setEnterpriseSid] = useState(given ?? '');
  const name = useEnterpriseName(enterpriseSid);
  const [file, setFile] = useState<File>();
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);

  // What was refused was another file, or for another enterprise.
  function choose(sid: string) {
    setProblem(undefined);
    setEnterpriseSid(sid);
  }
  function chooseFile(chosen: File | undefined) {
    setProblem(undefined);
    setFile(chosen);
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (isBusy || !file || enterpriseSid === '') return;
    setBusy(true);
    const { problem: found, success } = await prepare({ enterpriseSid });
    const refused = found ?? (await upload(success.uploadUrl, file));
    setBusy(false);
    setProblem(refused);
    if (!refused && success) goTo(`/mapping-import/${success.mappingImport.sid}`);
  }

  return (
    <Page title={words('import.title')}>
      {problem && <ProblemBar problem={problem} />}
      <form className={styles.form} onSubmit={submit}>
        <p className={styles.text}>{words('import.text')}</p>
        <EnterpriseField value={enterpriseSid} isOpen onChange={choose} />
        <FileField label={words('import.file')} isRequired accept=".csv,.jsonl,.ndjson,.txt,text/csv" onFile={chooseFile} />
        <Button type="submit" appearance="primary" className={styles.end} disabledFocusable={isBusy || !file || enterpriseSid === ''}>
          {words('import.check')}
        </Button>
        <Button className={styles.end} disabled={enterpriseSid === ''} onClick={() => setGroup(true)}>
          {words('import.group')}
        </Button>
        <div aria-live="polite">{isBusy && <Spinner size="tiny" label={words('import.uploading')} />}</div>
      </form>
      {isGroup && (
        <FormDialog
          title={words('import.groupTitle')}
          submitLabel={words('import.groupCheck')}
          asked={[{ name: 'groupId', label: words('import.groupId'), hint: words('import.groupHint') }]}
          onSubmit={async ({ groupId = '' }) => {
            const { problem: found, success } = await fromGroup({ enterpriseSid, groupId });
            return found ?? (() => goTo(`/mapping-import/${success?.mappingImport.sid}`));
          }}
          onClose={() => setGroup(false)}
        >
          {name}
        </FormDialog>
      )}
      <Latest />
    </Page>
  );
}

/** Uploads a file as the browser reads it. @returns what is wrong with it */
async function upload(url: string, file: File): Promise<Problem | undefined> {
  try {
    const response = await fetch(linkHere(url), { method: 'PUT', credentials: 'omit', body: file });
    if (response.ok) return undefined;
    const { code, message = response.statusText } = (await response.json().catch(() => ({}))) as { code?: string; message?: string };
    if (response.status === 429) return { code: 'TOO_MANY_REQUESTS', message };
    return { code: response.status === 400 ? 'IMPORT_FILE' : (code ?? 'UNKNOWN'), message };
  } catch (error) {
    // A file that was changed meanwhile cannot be read, either.
    return { ...problemFrom(error), code: 'NETWORK' };
  }
}

function Latest() {
  const words = useWords();
  const styles = useStyles();
  const { data, problem, reload } = useAnswer({ document: LATEST, variables: {}, types: ['MappingImport'] });
  const columns: Column<ImportRow>[] = [
    {
      title: words('field.time'),
      cell: ({ sid, dateCreated }) => (
        <Link href={linkTo(`/mapping-import/${sid}`)}>
          <Time value={dateCreated} />
        </Link>
      ),
    },
    { title: words('field.enterprise'), cell: ({ enterprise: { sid, name } }) => <Link href={linkTo(`/enterprises/${sid}`)}>{name}</Link> },
    { title: words('field.status'), cell: ({ status }) => wordFor(words, 'importStatus', status) },
    { title: words('import.rows'), cell: ({ counts }) => <ImportOutcome counts={counts} /> },
  ];
  const bar = problem && <ProblemBar problem={problem} onRetry={reload} />;
  if (!data || data.mappingImports.length === 0) return bar;
  return (
    <section aria-label={words('import.latest')}>
      <h2 className={styles.title}>{words('import.latest')}</h2>
      <Table caption={words('import.latest')} columns={columns} nodes={data.mappingImports} keyOf={({ sid }) => sid} />
    </section>
  );
}
