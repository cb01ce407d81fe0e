import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { type ReactNode, useEffect, useRef } from 'react';
import { useWords } from '../words/words.tsx';

/** From this width on, buttons that do not fit next to the title stay at the page's end side. */
const WIDE = '@media (min-width: 701px)';

const useStyles = makeStyles({
  head: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: '12px',
    marginBottom: '16px',
    [WIDE]: { justifyContent: 'flex-end' },
  },
  title: {
    fontSize: tokens.fontSizeBase600,
    lineHeight: tokens.lineHeightBase600,
    margin: 0,
    flexGrow: 1,
    overflowWrap: 'anywhere',
    outline: 'none',
  },
  facts: {
    display: 'grid',
    gridTemplateColumns: 'minmax(120px, max-content) 1fr',
    gap: '8px 24px',
    margin: '0 0 24px',
    '@media (max-width: 500px)': { gridTemplateColumns: '1fr', gap: '2px', '& dd': { marginBottom: '10px' } },
  },
  term: { color: tokens.colorNeutralForeground2 },
  value: { margin: 0, overflowWrap: 'anywhere' },
  panel: {
    display: 'flex',
    flexDirection: 'column',
    gap: '12px',
    padding: '12px',
    borderRadius: tokens.borderRadiusMedium,
    boxShadow: tokens.shadow4,
    backgroundColor: tokens.colorNeutralBackground1,
  },
});

/** A page: its title, what can be done, and its content. */
export function Page({
  title,
  actions,
  children,
}: {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
}) {
  const styles = useStyles();
  const words = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = words.titleOf(title);
  }, [title, words]);
  // A screen reader hears that the page is another one.
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <>
      <div className={styles.head}>
        <h1 className={styles.title} tabIndex={-1} ref={heading}>
          {title}
        </h1>
        {actions}
      </div>
      {children}
    </>
  );
}

/** Looks as Fluent UI's Card, which would bring its keeper of focus to pages without dialogs. */
export function Panel({ className, children }: { readonly className?: string; readonly children: ReactNode }) {
  return <div className={mergeClasses(useStyles().panel, className)}>{children}</div>;
}

/** Names and values of one thing. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }) {
  const styles = useStyles();
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => [
        <dt key={`${name} name`} className={styles.term}>
          {name}
        </dt>,
        <dd key={name} className={styles.value}>
          {value ?? '–'}
        </dd>,
      ])}
    </dl>
  );
}
