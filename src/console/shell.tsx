import { Button, makeStyles, mergeClasses, Select, tokens } from '@fluentui/react-components';
import { Suspense, useEffect, useMemo, useRef } from 'react';
import { Provider } from 'urql';
import { createClient } from './graph/client.ts';
import { linkTo, usePlace } from './location.ts';
import { Boundary } from './parts/boundary.tsx';
import { Empty, Loading } from './parts/states.tsx';
import { ROUTES, routeAt } from './routes.tsx';
import { Renewal } from './session/renewal.tsx';
import { type Session, signOut } from './session/session.ts';
import { THEMES, type ThemeName } from './theme.ts';
import { type Language, useSpeech } from './words/words.tsx';

const NARROW = '@media (max-width: 700px)';

const useStyles = makeStyles({
  frame: {
    display: 'grid',
    gridTemplateColumns: '200px minmax(0, 1fr)',
    gridTemplateRows: 'auto 1fr',
    minHeight: '100vh',
    [NARROW]: { display: 'block' },
  },
  header: {
    gridColumn: '1 / -1',
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: '8px 16px',
    padding: '8px 16px',
    backgroundColor: tokens.colorNeutralBackground3,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  product: {
    display: 'flex',
    alignItems: 'center',
    gap: '8px',
    fontWeight: tokens.fontWeightSemibold,
    flexGrow: 1,
    overflowWrap: 'anywhere',
  },
  logo: { height: '28px', maxWidth: '160px', objectFit: 'contain' },
  who: { color: tokens.colorNeutralForeground2, overflowWrap: 'anywhere' },
  nav: { padding: '12px 8px', backgroundColor: tokens.colorNeutralBackground2, [NARROW]: { padding: '4px 8px', overflowX: 'auto' } },
  items: { listStyle: 'none', margin: 0, padding: 0, [NARROW]: { display: 'flex' } },
  item: {
    display: 'block',
    padding: '8px 12px',
    borderRadius: tokens.borderRadiusMedium,
    color: tokens.colorNeutralForeground1,
    textDecoration: 'none',
    whiteSpace: 'nowrap',
    ':hover': { backgroundColor: tokens.colorNeutralBackground2Hover },
  },
  current: { backgroundColor: tokens.colorNeutralBackground2Selected, fontWeight: tokens.fontWeightSemibold },
  main: { padding: '20px 24px', minWidth: 0, [NARROW]: { padding: '12px' } },
  // Shown by the keyboard only.
  skip: { position: 'absolute', left: '-9999px', ':focus': { left: '8px', top: '8px', zIndex: 1 } },
});

interface ShellProps {
  readonly session: Session;
  readonly theme: ThemeName;
  readonly onTheme: (theme: ThemeName) => void;
}

/** What surrounds every page: the navigation, who is signed in, and the choice of language and theme. */
export function Shell({ session, theme, onTheme }: ShellProps) {
  const styles = useStyles();
  const { words } = useSpeech();
  const client = useMemo(createClient, []);
  return (
    <Provider value={client}>
      <div className={styles.frame}>
        <button type="button" className={styles.skip} onClick={() => document.getElementById('content')?.focus()}>
          {words('nav.skip')}
        </button>
        <Header session={session} theme={theme} onTheme={onTheme} />
        <Navigation />
        <main className={styles.main} id="content" tabIndex={-1}>
          <Renewal session={session} />
          <Suspense fallback={<Loading />}>
            <Current />
          </Suspense>
        </main>
      </div>
    </Provider>
  );
}

function Header({ session: { viewer }, theme, onTheme }: ShellProps) {
  const styles = useStyles();
  const { words, language, setLanguage } = useSpeech();
  const who = viewer.admin?.email ?? viewer.account.friendlyName;
  const { displayName, name, logo, accentColor } = viewer.organization;
  return (
    <header className={styles.header} style={accentColor ? { borderBottom: `3px solid ${accentColor}` } : undefined}>
      <span className={styles.product}>
        {/* The page's policy loads nothing from other hosts. The name is next to it. */}
        {logo?.startsWith('data:') && <img className={styles.logo} src={logo} alt="" />}
        {displayName ?? (viewer.enterprise ? name : words('product'))}
      </span>
      <span className={styles.who}>
        {who} · {viewer.enterprise?.name ?? viewer.organization.name}
        {!viewer.permissions.includes('WRITE') && ` · ${words('session.readOnly')}`}
      </span>
      <Select aria-label={words('language')} size="small" value={language} onChange={(_, { value }) => setLanguage(value as Language)}>
        <option value="en">English</option>
        <option value="de">Deutsch</option>
      </Select>
      <Select aria-label={words('theme')} size="small" value={theme} onChange={(_, { value }) => onTheme(value as ThemeName)}>
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {words(`theme.${name}`)}
          </option>
        ))}
      </Select>
      <Button size="small" onClick={signOut}>
        {words('session.signOut')}
      </Button>
    </header>
  );
}

/** Whether a path is a page's own, or one of its things'. */
const isAt = (own: string, path: string) => path === own || path.startsWith(`${own}/`);

function Navigation() {
  const styles = useStyles();
  const { words } = useSpeech();
  const { path } = usePlace();
  const list = useRef<HTMLUListElement>(null);
  // On a narrow screen, the place may be beyond its edge.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the place is another one
  useEffect(() => {
    // Not what it returns, which is a promise in new browsers and no way to end the effect.
    void list.current?.querySelector('[data-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [path]);
  return (
    <nav className={styles.nav} aria-label={words('nav.label')}>
      <ul className={styles.items} ref={list}>
        {ROUTES.filter(({ isFor = () => true }) => isFor()).map(
          ({ path: own, word }) =>
            word && (
              <li key={own} data-current={isAt(own, path) || undefined}>
                <a
                  className={mergeClasses(styles.item, isAt(own, path) && styles.current)}
                  aria-current={path === own ? 'page' : undefined}
                  href={linkTo(own)}
                >
                  {words(word)}
                </a>
              </li>
            ),
        )}
      </ul>
    </nav>
  );
}

function Current() {
  const { words } = useSpeech();
  const { path } = usePlace();
  const found = routeAt(path);
  useEffect(() => {
    if (path === '/') window.location.replace(linkTo(ROUTES[0]?.path ?? '/'));
  }, [path]);
  if (path === '/') return <Loading />;
  if (!found) return <Empty title={words('nav.unknown')} />;
  const { route, sid } = found;
  return (
    <Boundary key={path}>
      <route.page sid={sid} />
    </Boundary>
  );
}
