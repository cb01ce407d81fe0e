export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeName = (typeof THEMES)[number];

const STORED = 'console.theme';

/** The theme that the reader has chosen. */
export const chosenTheme = (): ThemeName => THEMES.find((theme) => theme === window.localStorage.getItem(STORED)) ?? 'system';

/** Keeps the reader's choice. */
export const keepTheme = (theme: ThemeName): void => window.localStorage.setItem(STORED, theme);
