import { makeStyles, tokens } from '@fluentui/react-components';
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useState } from 'react';

/** Rows that are rendered beyond the visible ones, on either side. */
const MARGIN = 10;

const useStyles = makeStyles({
  viewport: {
    overflowY: 'auto',
    height: 'calc(100vh - 300px)',
    minHeight: '320px',
    borderTop: `1px solid ${tokens.colorNeutralStroke1}`,
    borderBottom: `1px solid ${tokens.colorNeutralStroke1}`,
  },
  space: { position: 'relative' },
  rows: { position: 'absolute', left: 0, right: 0, top: 0, willChange: 'transform' },
});

interface VirtualProps<Row> {
  /** Receives the element that scrolls. */
  readonly viewport: RefObject<HTMLDivElement | null>;
  readonly label: string;
  readonly rows: readonly Row[];
  /** In px. All rows are as high. */
  readonly height: number;
  readonly head: ReactNode;
  readonly row: (row: Row, index: number) => ReactNode;
  readonly onTop: (isAtTop: boolean) => void;
  readonly onEnd: () => void;
  /** Whether there may be more rows than are loaded. */
  readonly hasMore: boolean;
}

/** A table that renders only the rows that can be seen. */
export function Virtual<Row>({ viewport, label, rows, height, head, row, onTop, onEnd, hasMore }: VirtualProps<Row>) {
  const styles = useStyles();
  const [first, setFirst] = useState(0);
  const [visible, setVisible] = useState(30);

  useLayoutEffect(() => {
    const element = viewport.current;
    if (!element) return;
    const measure = () => setVisible(Math.ceil(element.clientHeight / height));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [viewport, height]);

  // A list that was empty meanwhile begins at the top again.
  useEffect(() => onTop((viewport.current?.scrollTop ?? 0) < height), [viewport, height, onTop]);

  const isNearEnd = first + visible + MARGIN >= rows.length;
  useEffect(() => {
    if (isNearEnd && rows.length > 0) onEnd();
  }, [isNearEnd, rows.length, onEnd]);

  function scrolled() {
    const top = viewport.current?.scrollTop ?? 0;
    // In steps, so that most frames render nothing.
    setFirst(Math.floor(top / height / 5) * 5);
    onTop(top < height);
  }

  const from = Math.max(0, first - MARGIN);
  const to = Math.min(rows.length, first + visible + MARGIN + 5);
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: the rows of a table element cannot be placed
    <div role="table" aria-label={label} aria-rowcount={hasMore ? -1 : rows.length + 1}>
      {head}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by the keyboard */}
      <div className={styles.viewport} ref={viewport} onScroll={scrolled} role="rowgroup" tabIndex={0} aria-label={label}>
        <div className={styles.space} style={{ height: rows.length * height }} role="presentation">
          <div className={styles.rows} style={{ transform: `translateY(${from * height}px)` }} role="presentation">
            {rows.slice(from, to).map((one, index) => row(one, from + index))}
          </div>
        </div>
      </div>
    </div>
    // biome-ignore-end lint/a11y/useSemanticElements: the rows of a table element cannot be placed
  );
}
