import { Link, makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import type { ReactNode } from 'react';
import { change } from '../../location.ts';

/** Next to the navigation, less is too narrow for columns. */
const NARROW = '@media (max-width: 1000px)';

const useStyles = makeStyles({
  // A table that is too wide scrolls.
  frame: { overflowX: 'auto' },
  table: { width: '100%', borderCollapse: 'collapse', [NARROW]: { display: 'block' } },
  caption: { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' },
  head: { [NARROW]: { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' } },
  body: { [NARROW]: { display: 'block' } },
  heading: {
    textAlign: 'left',
    verticalAlign: 'bottom',
    padding: '8px 10px',
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground2,
    borderBottom: `1px solid ${tokens.colorNeutralStroke1}`,
    whiteSpace: 'nowrap',
    '& button': { fontWeight: tokens.fontWeightSemibold },
  },
  row: {
    // Fluent UI's own colour for this leaves links too little contrast in dark colours.
    ':hover': { backgroundColor: tokens.colorNeutralBackground3 },
    [NARROW]: { display: 'block', padding: '8px 0', borderBottom: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  cell: {
    padding: '8px 10px',
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    // Words such as e-mail addresses stay whole, unless they are longer than the widest column.
    overflowWrap: 'break-word',
    maxWidth: '230px',
    verticalAlign: 'top',
    [NARROW]: {
      overflowWrap: 'anywhere',
      maxWidth: 'none',
      display: 'grid',
      gridTemplateColumns: '110px 1fr',
      padding: '3px 4px',
      borderBottom: 'none',
      '::before': { content: 'attr(data-label)', color: tokens.colorNeutralForeground2 },
    },
  },
  code: { overflowWrap: 'anywhere' },
  number: {
    textAlign: 'right',
    fontVariantNumeric: 'tabular-nums',
    whiteSpace: 'nowrap',
    [NARROW]: { textAlign: 'left', whiteSpace: 'normal' },
  },
  whole: { whiteSpace: 'nowrap', [NARROW]: { whiteSpace: 'normal' } },
});

/** A column of a table of nodes. */
export interface Column<Node> {
  readonly title: string;
  readonly cell: (node: Node) => ReactNode;
  /** The field of the list's order. Absent: the list cannot be sorted by it. */
  readonly sort?: string;
  /** Whether its values are never broken into lines, as phone numbers are not. */
  readonly isWhole?: true;
  /** Whether its values, such as SIDs and URLs, have no words and may be broken anywhere. */
  readonly isCode?: true;
  /** Whether its values are numbers, aligned so that readers can compare them. */
  readonly isNumber?: true;
}

/** How a list is sorted. */
export interface Sorting {
  readonly field: string;
  readonly direction: 'ASC' | 'DESC';
}

interface TableProps<Node> {
  readonly caption: string;
  readonly columns: readonly Column<Node>[];
  readonly nodes: readonly Node[];
  readonly keyOf: (node: Node) => string;
  readonly sorting?: Sorting;
}

/** A table whose rows become blocks on narrow screens. The roles are said, since other values of `display` take them away. */
export function Table<Node>({ caption, columns, nodes, keyOf, sorting }: TableProps<Node>) {
  const styles = useStyles();
  return (
    // biome-ignore-start lint/a11y/noRedundantRoles: see above
    <div className={styles.frame}>
      <table className={styles.table} role="table">
        <caption className={styles.caption}>{caption}</caption>
        <thead className={styles.head} role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <Heading key={column.title} column={column} sorting={sorting} />
            ))}
          </tr>
        </thead>
        <tbody className={styles.body} role="rowgroup">
          {nodes.map((node) => (
            <tr key={keyOf(node)} className={styles.row} role="row">
              {columns.map(({ title, cell, isWhole, isCode, isNumber }) => {
                const className = mergeClasses(styles.cell, isWhole && styles.whole, isCode && styles.code, isNumber && styles.number);
                return (
                  <td key={title} className={className} data-label={title} role="cell">
                    <div>{cell(node)}</div>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    // biome-ignore-end lint/a11y/noRedundantRoles: see above
  );
}

function Heading<Node>({ column: { title, sort, isNumber }, sorting }: { readonly column: Column<Node>; readonly sorting?: Sorting }) {
  const styles = useStyles();
  const isSorted = sort !== undefined && sorting?.field === sort;
  const next = isSorted && sorting.direction === 'ASC' ? 'DESC' : 'ASC';
  const direction = sorting?.direction === 'DESC' ? 'descending' : 'ascending';
  return (
    <th
      className={mergeClasses(styles.heading, isNumber && styles.number)}
      scope="col"
      // biome-ignore lint/a11y/noRedundantRoles: see Table
      role="columnheader"
      aria-sort={isSorted ? direction : undefined}
    >
      {sort === undefined || !sorting ? (
        title
      ) : (
        <Link as="button" appearance="subtle" onClick={() => change({ sort, direction: next })}>
          {title}
          {isSorted && <span aria-hidden> {sorting.direction === 'ASC' ? '↑' : '↓'}</span>}
        </Link>
      )}
    </th>
  );
}
