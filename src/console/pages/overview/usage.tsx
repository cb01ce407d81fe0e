import { Field, Input, Select } from '@fluentui/react-components';
import type { ResultOf, VariablesOf } from 'gql.tada';
import { useState } from 'react';
import { useAnswer } from '../../graph/answer.ts';
import { graphql } from '../../graph/graphql.ts';
import { change, usePlace } from '../../location.ts';
import { Download } from '../../parts/download.tsx';
import { EnterpriseFilter } from '../../parts/forms/enterprise-choice.tsx';
import { Filters } from '../../parts/lists/filters.tsx';
import { Foot } from '../../parts/lists/list.tsx';
import { usePageOf } from '../../parts/lists/paged.ts';
import { type Column, Table } from '../../parts/lists/table.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty, Loading, type Problem, ProblemBar } from '../../parts/states.tsx';
import { mayExport } from '../../session/session.ts';
import { dayOf, midnightOf } from '../../words/days.ts';
import { durationOf, utcOf } from '../../words/times.tsx';
import { useSpeech, useWords, wordFor } from '../../words/words.tsx';

const USAGE = graphql(`
  query Usage($from: DateTime!, $to: DateTime!, $granularity: UsageGranularity!, $groupBy: [UsageDimension!], $filter: UsageFilter, $timeZone: String) {
    usage(from: $from, to: $to, granularity: $granularity, groupBy: $groupBy, filter: $filter, timeZone: $timeZone) {
      from to messages segments delivered failed medianDeliveryTime p95DeliveryTime
      enterpriseSid mappingSid direction channelStatus type
      enterprise { name }
      mapping { name }
    }
  }
`);

const EXPORT_USAGE = graphql(`
  mutation ExportUsage($input: ExportUsageInput!) {
    exportUsage(input: $input) {
      ... on ExportUsageSuccess { url }
      ... on Error { code message path }
    }
  }
`);
const EXPORT_MESSAGES = graphql(`
  mutation ExportMessages($input: ExportMessagesInput!) {
    exportMessages(input: $input) {
      ... on ExportMessagesSuccess { url }
      ... on Error { code message path }
    }
  }
`);

const GRANULARITIES = ['HOUR', 'DAY', 'MONTH'] as const;
const DIMENSIONS = ['ENTERPRISE', 'MAPPING', 'DIRECTION', 'STATUS', 'TYPE'] as const;
type Dimension = (typeof DIMENSIONS)[number];
type UsageRow = ResultOf<typeof USAGE>['usage'][number];

/** What the address asks for: by default, this month by day. */
function useAsked() {
  const { parameters } = usePlace();
  const now = new Date();
  const dayIn = (name: string, otherwise: Date) => {
    const day = parameters.get(name) ?? '';
    return midnightOf(day) ? day : dayOf(otherwise);
  };
  const [from, to] = [dayIn('from', new Date(now.getFullYear(), now.getMonth(), 1)), dayIn('to', now)];
  const granularity = GRANULARITIES.find((one) => one === parameters.get('by')) ?? 'DAY';
  const group = DIMENSIONS.find((one) => one === parameters.get('group'));
  const variables: VariablesOf<typeof USAGE> = {
    from: (midnightOf(from) ?? now).toISOString(),
    to: (midnightOf(to, 1) ?? now).toISOString(),
    granularity,
    groupBy: group ? [group] : [],
    filter: { enterpriseSid: parameters.get('enterprise') || undefined },
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
  return { from, to, granularity, group, variables };
}

export default function Usage() {
  const words = useWords();
  const { language } = useSpeech();
  const { from, to, granularity, group, variables } = useAsked();
  const { data, problem, isBusy, reload } = useAnswer({ document: USAGE, variables });
  const { number } = words;
  const columns: Column<UsageRow>[] = [
    {
      title: words('field.time'),
      cell: (row) => (
        <time dateTime={row.from} title={utcOf(new Date(row.from))}>
          {periodOf(row.from, granularity, language)}
        </time>
      ),
    },
    ...(group
      ? [{ title: words(`usage.${group}`), cell: (row: UsageRow) => nameOf(row, group, (code) => wordFor(words, codeOf[group], code)) }]
      : []),
    { title: words('nav.messages'), isNumber: true, cell: ({ messages }) => number(messages) },
    { title: words('field.segments'), isNumber: true, cell: ({ segments }) => number(segments) },
    { title: words('usage.delivered'), isNumber: true, cell: ({ delivered }) => number(delivered) },
    { title: words('usage.failed'), isNumber: true, cell: ({ failed }) => number(failed) },
    { title: words('usage.median'), isNumber: true, cell: ({ medianDeliveryTime }) => durationOf(medianDeliveryTime, language) },
  ];
  const [refused, setRefused] = useState<{ readonly problem: Problem | undefined; readonly of: string }>();
  // Of a download for the period and enterprise that are shown.
  const asked = JSON.stringify(variables);
  const downloadProblem = refused?.of === asked ? refused.problem : undefined;
  const setProblem = (found: Problem | undefined) => setRefused({ problem: found, of: asked });
  const rows = data?.usage ?? [];
  const page = usePageOf(rows);
  const total = (field: 'messages' | 'segments') => number(rows.reduce((sum, row) => sum + row[field], 0));
  return (
    <Page
      title={words('nav.usage')}
      actions={
        mayExport() && (
          <>
            <Download
              label={words('usage.csv')}
              document={EXPORT_USAGE}
              input={variables}
              isDisabled={data && rows.length === 0}
              onProblem={setProblem}
            />
            <Download
              label={words('usage.csvMessages')}
              document={EXPORT_MESSAGES}
              input={messagesOf(variables)}
              isDisabled={data && rows.length === 0}
              onProblem={setProblem}
            />
          </>
        )
      }
    >
      <Filters>
        <Field label={words('usage.from')}>
          <Input type="date" value={from} onChange={(_, { value }) => change({ from: value }, true)} />
        </Field>
        <Field label={words('usage.to')}>
          <Input type="date" value={to} onChange={(_, { value }) => change({ to: value }, true)} />
        </Field>
        <Field label={words('usage.granularity')}>
          <Select value={granularity} onChange={(_, { value }) => change({ by: value })}>
            {GRANULARITIES.map((one) => (
              <option key={one} value={one}>
                {words(`usage.${one}`)}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={words('usage.group')}>
          <Select value={group ?? ''} onChange={(_, { value }) => change({ group: value })}>
            <option value="">{words('usage.nothing')}</option>
            {DIMENSIONS.map((one) => (
              <option key={one} value={one}>
                {words(`usage.${one}`)}
              </option>
            ))}
          </Select>
        </Field>
        <EnterpriseFilter />
      </Filters>
      {downloadProblem && <ProblemBar problem={downloadProblem} />}
      {problem && <ProblemBar problem={problem} onRetry={reload} />}
      {!data && isBusy && <Loading />}
      {data && rows.length === 0 && <Empty title={words('usage.none')} />}
      {rows.length > 0 && (
        <>
          <p>{words('usage.total', { messages: total('messages'), segments: total('segments') })}</p>
          <Table caption={words('nav.usage')} columns={columns} nodes={page.nodes} keyOf={(row) => JSON.stringify(row)} />
          {(page.pageInfo.hasPreviousPage || page.pageInfo.hasNextPage) && <Foot connection={page} />}
        </>
      )}
    </Page>
  );
}

/** The messages that the usage counts. Its end is not in the period, the export's is. */
const messagesOf = ({ from, to, filter }: VariablesOf<typeof USAGE>): VariablesOf<typeof EXPORT_MESSAGES>['input'] => ({
  filter: { createdFrom: from, createdTo: new Date(Date.parse(to) - 1).toISOString(), enterpriseSid: filter?.enterpriseSid },
});

function periodOf(from: string, granularity: (typeof GRANULARITIES)[number], language: string): string {
  const date = new Date(from);
  if (granularity === 'MONTH') return date.toLocaleDateString(language, { year: 'numeric', month: 'long' });
  if (granularity === 'DAY') return date.toLocaleDateString(language, { dateStyle: 'medium' });
  return date.toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
}

/** The beginnings of the catalogs' keys for codes. */
const codeOf: Readonly<Record<Dimension, string>> = { ENTERPRISE: '', MAPPING: '', DIRECTION: 'direction', STATUS: 'status', TYPE: '' };

function nameOf(row: UsageRow, group: Dimension, wordOf: (code: string) => string): string {
  if (group === 'ENTERPRISE') return row.enterprise?.name ?? row.enterpriseSid ?? '–';
  if (group === 'MAPPING') return row.mapping?.name ?? row.mappingSid ?? '–';
  return wordOf((group === 'DIRECTION' ? row.direction : group === 'STATUS' ? row.channelStatus : row.type) ?? '–');
}
