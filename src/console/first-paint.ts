import { askEarly } from './graph/early.ts';
import { OVERVIEW, periodNow } from './pages/overview/overview-query.ts';
import { storedSession } from './session/stored.ts';
import { chosenTheme } from './theme-name.ts';
import { firstDe, firstEn } from './words/first.ts';
import { preferredLanguage } from './words/language.ts';

// A script of its own, small enough to run long before React: completes the first paint that index.html contains, and begins with what the page at the
// address needs. React replaces the first paint.

// What the build knows (console.config.mjs): the script of main.tsx, and the scripts of each page.
declare const MAIN: string;
declare const PAGES: Readonly<Record<string, readonly string[]>>;

/** What the header needs of a session (session/session.ts). */
interface Shown {
  readonly expires: number;
  readonly token: string;
  readonly viewer: {
    readonly enterprise: object | null;
    readonly organization: { readonly name: string; readonly displayName: string | null };
  };
}

/** How long React waits for the first paint, in ms. */
const LONGEST = 200;

let isStarted = false;
// First: React starts whatever else fails. After the browser has painted: React would keep it from that. A page that is not visible is not painted.
requestAnimationFrame(() => setTimeout(start));
setTimeout(start, LONGEST);

const language = preferredLanguage();
const words = language === 'de' ? firstDe : firstEn;
document.documentElement.lang = language;

const theme = chosenTheme();
if (theme !== 'system') document.documentElement.style.colorScheme = theme;

document.title = words.product;

const session = storedSession<Shown>();
if (session) {
  const { enterprise, organization } = session.viewer;
  show('header', { product: organization.displayName ?? (enterprise ? organization.name : words.product) });
  preload(pathNow());
} else {
  show('sign-in', { title: words['signIn.title'], text: words['signIn.text'] });
  document.title = `${words['signIn.title']} – ${words.product}`;
}

function start(): void {
  if (isStarted) return;
  isStarted = true;
  const script = document.createElement('script');
  script.type = 'module';
  script.src = MAIN;
  document.head.append(script);
  if (session && ['/', '/overview'].includes(pathNow())) askEarly(OVERVIEW, periodNow(), session.token);
}

function pathNow(): string {
  return window.location.hash.replace(/^#/, '').split('?')[0] || '/';
}

function show(name: string, texts: Readonly<Record<string, string>>): void {
  const part = document.getElementById(`first-${name}`);
  if (!part) return;
  for (const [id, text] of Object.entries(texts)) {
    const place = part.querySelector(`[data-word=${id}]`);
    if (place) place.textContent = text;
  }
  part.hidden = false;
}

/** React would ask for them only once it has rendered the rest. */
function preload(path: string): void {
  const slash = path.indexOf('/', 1) + 1;
  const page = slash === 0 ? path : path.slice(0, slash);
  // Anything may be in an address, also what every object has.
  for (const name of Object.hasOwn(PAGES, page) ? (PAGES[page] ?? []) : []) {
    const link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = name;
    document.head.append(link);
  }
}
