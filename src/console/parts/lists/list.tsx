import { Button, makeStyles, tokens } from '@fluentui/react-components';
import type { TadaDocumentNode } from 'gql.tada';
import { type ReactNode, useEffect, useRef } from 'react';
import { useAnswer } from '../../graph/answer.ts';
import { change, usePlace } from '../../location.ts';
import { useWords } from '../../words/words.tsx';
import { Empty, Loading, ProblemBar } from '../states.tsx';
import { type Column, type Sorting, Table } from './table.tsx';

const PAGE_SIZE = 25;

const useStyles = makeStyles({
  foot: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '8px', padding: '12px 0' },
  count: { flexGrow: 1, color: tokens.colorNeutralForeground2 },
});

/** A page of a list. */
export interface Connection<Node> {
  readonly nodes: readonly Node[];
  readonly totalCount?: number;
  readonly totalCountIsExact?: boolean;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

interface ListProps<Data, Variables, Node> {
  /** Has the variables first, after, last and before, and those of `variables`. */
  readonly document: TadaDocumentNode<Data, Variables>;
  readonly variables: Omit<Variables, 'first' | 'after' | 'last' | 'before' | 'orderBy'>;
  readonly connectionOf: (data: Data) => Connection<Node> | null;
  readonly caption: string;
  readonly columns: readonly Column<Node>[];
  readonly keyOf: (node: Node) => string;
  /** How it is sorted unless the address says otherwise. Absent: the list has one order only. */
  readonly sorting?: Sorting;
  /** Shown if the list is empty. */
  readonly empty: ReactNode;
  /** Changes when the list is to be read again. */
  readonly news?: number;
  /** The types in it, by which the cache knows that a new object may belong to it. */
  readonly types: readonly string[];
}

/** Keeps its value while a list is the same. */
function usePage(sorting: Sorting | undefined, fields: readonly (string | undefined)[]) {
  const { parameters } = usePlace();
  const [after, before] = [parameters.get('after') ?? undefined, parameters.get('before') ?? undefined];
  const sort = parameters.get('sort');
  const sorted: Sorting | undefined = sorting && {
    field: sort !== null && fields.includes(sort) ? sort : sorting.field,
    direction: (parameters.get('direction') ?? sorting.direction) === 'DESC' ? 'DESC' : 'ASC',
  };
  return { sorted, page: before ? { last: PAGE_SIZE, before } : { first: PAGE_SIZE, after } };
}

/**
 * One page of a list of the graph. The address has its cursor, order and filters. Until the page that it asks for is there, the one before stays, which
 * leads nowhere.
 */
export function List<Data, Variables, Node>(props: ListProps<Data, Variables, Node>) {
  const { document, variables, connectionOf, caption, columns, keyOf, sorting, empty, types, news = 0 } = props;
  const { sorted, page } = usePage(
    sorting,
    columns.map(({ sort }) => sort),
  );
  const all = { ...variables, ...page, ...(sorted ? { orderBy: sorted } : {}) } as Variables;
  const { data, latest, problem, isBusy, reload } = useAnswer({ document, variables: all, types });
  const again = useRef(reload);
  useEffect(() => {
    again.current = reload;
  });
  useEffect(() => {
    if (news > 0) again.current();
  }, [news]);
  const isFormer = data === undefined;
  const shown = isFormer && !isBusy ? undefined : latest;
  const connection = shown && connectionOf(shown.data);
  const bar = problem && <ProblemBar problem={problem} onRetry={reload} />;
  if (!connection || (isFormer && connection.nodes.length === 0)) return bar ?? (isBusy ? <Loading /> : empty);
  const { nodes } = connection;
  const order = sorted && (shown.variables as { readonly orderBy?: Sorting }).orderBy;
  return (
    <div aria-busy={isBusy}>
      {bar}
      {nodes.length === 0 ? empty : <Table caption={caption} columns={columns} nodes={nodes} keyOf={keyOf} sorting={order} />}
      <Foot connection={connection} isFormer={isFormer} />
    </div>
  );
}

interface FootProps {
  readonly connection: Connection<unknown>;
  /** Whether another page is asked for: this one's cursors are not of its order or filters. */
  readonly isFormer?: boolean;
}

/** How many there are in all, and the way to the pages before and after this one. */
export function Foot({ connection: { nodes, totalCount, totalCountIsExact, pageInfo }, isFormer = false }: FootProps) {
  const words = useWords();
  const styles = useStyles();
  if (nodes.length === 0 && !pageInfo.hasPreviousPage) return null;
  return (
    <div className={styles.foot}>
      <span className={styles.count} role="status">
        {totalCount !== undefined && words(totalCountIsExact === false ? 'list.countAtLeast' : 'list.count', { count: totalCount })}
      </span>
      <Button
        disabledFocusable={isFormer || !pageInfo.hasPreviousPage}
        onClick={() => change({ before: pageInfo.startCursor ?? undefined, after: undefined })}
      >
        {words('list.previous')}
      </Button>
      <Button
        disabledFocusable={isFormer || !pageInfo.hasNextPage}
        onClick={() => change({ after: pageInfo.endCursor ?? undefined, before: undefined })}
      >
        {words('list.next')}
      </Button>
    </div>
  );
}

/** Nothing matches, or there is nothing yet. */
export function EmptyList({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  const words = useWords();
  const { parameters } = usePlace();
  const isFiltered = [...parameters.keys()].some((name) => !['after', 'before', 'sort', 'direction'].includes(name));
  return isFiltered ? <Empty title={words('list.noMatch')} /> : <Empty title={title}>{children}</Empty>;
}
