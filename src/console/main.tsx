import { FluentProvider, makeStaticStyles, makeStyles } from '@fluentui/react-components';
import { StrictMode, startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { KeptFocus } from './parts/kept-focus.tsx';
import { identityOf, useSession } from './session/session.ts';
import { SignIn } from './session/sign-in.tsx';
import { beTeamsTab } from './session/teams.ts';
import { Shell } from './shell.tsx';
import { useTheme } from './theme.ts';
import { Speaking } from './words/words.tsx';

const useStaticStyles = makeStaticStyles({ body: { margin: 0 } });
// Not the class of FluentProvider itself: Fluent UI copies that to the mount node of each dialog and list, which would then cover the page.
const useStyles = makeStyles({ page: { minHeight: '100vh' } });

function Console() {
  useStaticStyles();
  const styles = useStyles();
  const { name, theme, choose } = useTheme();
  const session = useSession();
  return (
    <FluentProvider theme={theme}>
      <div className={styles.page}>
        <KeptFocus />
        {session ? <Shell key={identityOf(session)} session={session} theme={name} onTheme={choose} /> : <SignIn />}
      </div>
    </FluentProvider>
  );
}

const place = document.getElementById('console');
if (place) {
  const root = createRoot(place);
  // Rendered in slices, between which the browser paints and handles input.
  startTransition(() =>
    root.render(
      <StrictMode>
        <Speaking>
          <Console />
        </Speaking>
      </StrictMode>,
    ),
  );
}
beTeamsTab();
