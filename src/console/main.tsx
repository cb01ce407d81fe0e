import { FluentProvider, makeStaticStyles, useModalAttributes } from '@fluentui/react-components';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { identityOf, useSession } from './session/session.ts';
import { SignIn } from './session/sign-in.tsx';
import { Shell } from './shell.tsx';
import { beTeamsTab } from './teams-tab.ts';
import { useTheme } from './theme.ts';
import { Speaking } from './words/words.tsx';

const useStaticStyles = makeStaticStyles({ body: { margin: 0 } });

function Console() {
  useStaticStyles();
  const { name, theme, choose } = useTheme();
  const session = useSession();
  return (
    <FluentProvider theme={theme}>
      <Focus />
      {session ? <Shell key={identityOf(session)} session={session} theme={name} onTheme={choose} /> : <SignIn />}
    </FluentProvider>
  );
}

/**
 * Keeps Fluent UI's keeper of focus for as long as the page is open. It would end with the last dialog, before it has shown the rest of the page to
 * screen readers again.
 */
function Focus() {
  useModalAttributes({});
  return null;
}

const place = document.getElementById('console');
if (place) {
  createRoot(place).render(
    <StrictMode>
      <Speaking>
        <Console />
      </Speaking>
    </StrictMode>,
  );
}
// Another page that frames it is no fault of the console's.
beTeamsTab().catch(() => {});
