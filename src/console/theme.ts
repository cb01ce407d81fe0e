import { webDarkTheme, webLightTheme } from '@fluentui/react-components';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { chosenTheme, keepTheme, type ThemeName } from './theme-name.ts';

const dark = window.matchMedia('(prefers-color-scheme: dark)');

function follow(changed: () => void): () => void {
  dark.addEventListener('change', changed);
  return () => dark.removeEventListener('change', changed);
}

/** Fluent UI's theme, as chosen or as the reader's system has it. */
export function useTheme() {
  const [name, setName] = useState(chosenTheme);
  const isSystemDark = useSyncExternalStore(follow, () => dark.matches);
  const theme = name === 'dark' || (name === 'system' && isSystemDark) ? webDarkTheme : webLightTheme;
  useEffect(() => {
    document.documentElement.style.colorScheme = theme === webDarkTheme ? 'dark' : 'light';
  }, [theme]);
  return {
    name,
    theme,
    choose: (chosen: ThemeName) => {
      keepTheme(chosen);
      setName(chosen);
    },
  };
}
