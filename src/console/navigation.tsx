import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { useEffect, useRef, useState } from 'react';
import { linkTo, usePlace } from './location.ts';
import { ROUTES, routeAt } from './routes.tsx';
import { useSpeech } from './words/words.tsx';

/** Up to this width, the navigation is above the content. */
export const NARROW = '@media (max-width: 700px)';

const useStyles = makeStyles({
  nav: {
    padding: '12px 8px',
    backgroundColor: tokens.colorNeutralBackground2,
    [NARROW]: { padding: '4px 8px', overflowX: 'auto', scrollPaddingInline: '40px' },
  },
  // Entries fade at an edge if more entries are beyond it.
  before: { [NARROW]: { maskImage: 'linear-gradient(to right, transparent, black 40px)' } },
  after: { [NARROW]: { maskImage: 'linear-gradient(to left, transparent, black 40px)' } },
  around: { [NARROW]: { maskImage: 'linear-gradient(to right, transparent, black 40px calc(100% - 40px), transparent)' } },
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
});

/** Whether a path is that of a page, of one of its items, or of a page that belongs to it. */
const isAt = (own: string, path: string) => path === own || path.startsWith(`${own}/`) || routeAt(path)?.route.under === own;

/** Scrolls to the current entry. A function of its own, since an effect must not return scrollIntoView's result: newer browsers return a promise. */
function showCurrent(nav: HTMLElement): void {
  void nav.querySelector('[data-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** Links to the pages that the signed-in user may see. */
export function Navigation() {
  const styles = useStyles();
  const { words } = useSpeech();
  const { path } = usePlace();
  const nav = useRef<HTMLElement>(null);
  const [more, setMore] = useState<'before' | 'after' | 'around'>();
  useEffect(() => {
    const element = nav.current;
    if (!element) return;
    const look = () => {
      const { scrollLeft, clientWidth, scrollWidth } = element;
      const [isBefore, isAfter] = [scrollLeft > 1, scrollLeft + clientWidth < scrollWidth - 1];
      setMore(isBefore && isAfter ? 'around' : isBefore ? 'before' : isAfter ? 'after' : undefined);
    };
    const observer = new ResizeObserver(() => {
      showCurrent(element);
      look();
    });
    for (const each of [element, ...element.children]) observer.observe(each);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  // On a narrow screen, the current entry may be beyond the edge.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the current page changes
  useEffect(() => {
    if (nav.current) showCurrent(nav.current);
  }, [path]);
  return (
    <nav className={mergeClasses(styles.nav, more && styles[more])} aria-label={words('nav.label')} ref={nav}>
      <ul className={styles.items}>
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
