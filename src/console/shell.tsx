import { Button, makeStyles, Select, tokens } from '@fluentui/react-components';
import { Suspense, useEffect, useMemo } from 'react';
import { Provider } from 'urql';
import { createClient } from './graph/client.ts';
import { linkTo, usePlace } from './location.ts';
import { NARROW, Navigation } from './navigation.tsx';
import { Boundary } from './parts/boundary.tsx';
import { Page } from './parts/page.tsx';
import { Loading } from './parts/states.tsx';
import { ROUTES, routeAt } from './routes.tsx';
import { Renewal } from './session/renewal.tsx';
import { type Session, signOut } from './session/session.ts';
import { THEMES, type ThemeName } from './theme-name.ts';
import type { Language } from './words/language.ts';
import { useSpeech } from './words/words.tsx';

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

function Current() {
  const { words } = useSpeech();
  const { path } = usePlace();
  const found = routeAt(path);
  useEffect(() => {
    if (path === '/') window.location.replace(linkTo(ROUTES[0]?.path ?? '/'));
  }, [path]);
  if (path === '/') return <Loading />;
  if (!found) return <Page title={words('nav.unknown')} />;
  const { route, sid } = found;
  return (
    <Boundary key={path}>
      <route.page sid={sid} />
    </Boundary>
  );
}
