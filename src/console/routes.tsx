import type { ComponentType } from 'react';
import { lazily } from './parts/lazily.ts';
import { currentSession, isProvider, may, mayExport, mayImport } from './session/session.ts';
import type { Word } from './words/words.tsx';

/** Whether the signed-in one has a password to manage tokens with: one that signed in with a token may have none. */
const hasPassword = () => may('WRITE') || currentSession()?.name !== undefined;

/** A page of the console. Its script is loaded when it is first opened. */
interface Route {
  readonly path: string;
  /** In the navigation; absent: reached from another page. */
  readonly word?: Word;
  /** The path of the entry in the navigation that it belongs to, if its own path does not say so. */
  readonly under?: string;
  readonly page: ComponentType<{ readonly sid: string }>;
  /** Whether the signed-in one may see it. Absent: everybody may. */
  readonly isFor?: () => boolean;
}

export const ROUTES: readonly Route[] = [
  { path: '/overview', word: 'nav.overview', page: lazily(() => import('./pages/overview/overview.tsx')) },
  { path: '/messages', word: 'nav.messages', page: lazily(() => import('./pages/messages/messages.tsx')) },
  { path: '/conversations', word: 'nav.conversations', page: lazily(() => import('./pages/messages/conversations.tsx')) },
  { path: '/conversations/', page: lazily(() => import('./pages/messages/conversation.tsx')) },
  { path: '/enterprises', word: 'nav.enterprises', page: lazily(() => import('./pages/enterprises/enterprises.tsx')) },
  { path: '/enterprises/', page: lazily(() => import('./pages/enterprises/enterprise.tsx')) },
  { path: '/mappings', word: 'nav.mappings', page: lazily(() => import('./pages/mappings/mappings.tsx')) },
  { path: '/mappings/', page: lazily(() => import('./pages/mappings/mapping.tsx')) },
  { path: '/mapping-import', under: '/mappings', page: lazily(() => import('./pages/mappings/mapping-import.tsx')), isFor: mayImport },
  {
    path: '/mapping-import/',
    under: '/mappings',
    page: lazily(() => import('./pages/mappings/mapping-import-run.tsx')),
    isFor: () => may('READ'),
  },
  { path: '/bots', word: 'nav.bots', page: lazily(() => import('./pages/bots/bots.tsx')) },
  { path: '/bots/', page: lazily(() => import('./pages/bots/bot.tsx')) },
  { path: '/bot-setup', under: '/bots', page: lazily(() => import('./pages/bots/bot-setup.tsx')), isFor: () => may('WRITE') },
  { path: '/usage', word: 'nav.usage', page: lazily(() => import('./pages/overview/usage.tsx')) },
  { path: '/tokens', word: 'nav.tokens', page: lazily(() => import('./pages/access/tokens.tsx')), isFor: hasPassword },
  { path: '/accounts', word: 'nav.accounts', page: lazily(() => import('./pages/access/accounts.tsx')), isFor: isProvider },
  { path: '/webhooks', word: 'nav.webhooks', page: lazily(() => import('./pages/webhooks/webhooks.tsx')), isFor: () => may('READ') },
  { path: '/webhooks/', page: lazily(() => import('./pages/webhooks/webhook.tsx')), isFor: () => may('READ') },
  {
    path: '/privacy',
    word: 'nav.privacy',
    page: lazily(() => import('./pages/privacy/privacy.tsx')),
    isFor: () => may('WRITE') || mayExport(),
  },
  { path: '/erasures/', under: '/privacy', page: lazily(() => import('./pages/privacy/erasure.tsx')), isFor: () => may('READ') },
  {
    path: '/settings',
    word: 'nav.settings',
    page: lazily(() => import('./pages/organization/settings.tsx')),
    isFor: () => may('WRITE') && isProvider(),
  },
  {
    path: '/teams-app',
    word: 'teamsApp.title',
    page: lazily(() => import('./pages/organization/teams-app.tsx')),
    isFor: () => may('WRITE') && isProvider(),
  },
  { path: '/teams-app/', page: lazily(() => import('./pages/organization/teams-app.tsx')), isFor: () => may('WRITE') && isProvider() },
  { path: '/audit', word: 'nav.audit', page: lazily(() => import('./pages/access/audit.tsx')), isFor: () => may('AUDIT') && isProvider() },
];

/** The page at a path, and what follows the page's own path in it. */
export function routeAt(path: string): { readonly route: Route; readonly sid: string } | undefined {
  const split = path.indexOf('/', 1) + 1;
  const [base, sid] = split === 0 ? [path, ''] : [path.slice(0, split), path.slice(split)];
  const route = ROUTES.find((one) => one.path === base && (one.isFor?.() ?? true));
  return route && { route, sid };
}
