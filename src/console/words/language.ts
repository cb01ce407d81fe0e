const LANGUAGES = ['en', 'de'] as const;
const STORED = 'console.language';

export type Language = (typeof LANGUAGES)[number];

const languageIn = (text: string | null) => LANGUAGES.find((language) => language === text);

/** The language that the reader has chosen, or the first of the browser's languages that there is. */
export const preferredLanguage = (): Language =>
  languageIn(window.localStorage.getItem(STORED)) ??
  navigator.languages.map((tag) => languageIn(tag.slice(0, 2))).find((language) => language !== undefined) ??
  'en';

/** Keeps the reader's choice. */
export const keepLanguage = (language: Language): void => window.localStorage.setItem(STORED, language);
