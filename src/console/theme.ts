import { webDarkTheme, webLightTheme } from '@fluentui/react-components';
import { useEffect, useState, useSyncExternalStore } from 'react';

export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeName = (typeof THEMES)[number];

const STORED = 'console.theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

function follow(changed: () => void): () => void {
  dark.addEventListener('change', changed);
  return () => dark.removeEventListener('change', changed);
}

/** Fluent UI's theme, as chosen or as the reader's system has it. */
export function useTheme() {
  const [name, setName] = useState<ThemeName>(() => THEMES.find((theme) => theme === window.localStorage.getItem(STORED)) ?? 'system');
  const isSystemDark = useSyncExternalStore(follow, () => dark.matches);
  const theme = name === 'dark' || (name === 'system' && isSystemDark) ? webDarkTheme : webLightTheme;
  useEffect(() => {
    document.documentElement.style.colorScheme = theme === webDarkTheme ? 'dark' : 'light';
  }, [theme]);
  return {
    name,
    theme,
    choose: (chosen: ThemeName) => {
      window.localStorage.setItem(STORED, chosen);
      setName(chosen);
    },
  };
}
