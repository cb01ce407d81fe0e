import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { de } from './de.ts';
import { en } from './en.ts';
import { inGerman } from './gateway-texts.ts';
import { keepLanguage, type Language, preferredLanguage } from './language.ts';

const CATALOGS: Readonly<Record<Language, Readonly<Record<Word, string>>>> = { en, de };

export type Word = keyof typeof en;
export interface Words {
  /** The text of a key, with `{name}` replaced by its values. Numbers are formatted. */
  (word: Word, values?: Readonly<Record<string, string | number>>): string;
  /** A text of the gateway's, which are English, in the reader's language if the console knows it in that. */
  readonly said: (text: string) => string;
  /** The title of the browser's window on a page. */
  readonly titleOf: (page: string) => string;
  /** A number in the reader's language, which the browser's may differ from. */
  readonly number: (value: number) => string;
}

interface Speech {
  readonly language: Language;
  readonly setLanguage: (language: Language) => void;
  readonly words: Words;
}

const SpeechContext = createContext<Speech | undefined>(undefined);

/** The words of a language. */
function wordsIn(language: Language): Words {
  const numbers = new Intl.NumberFormat(language);
  const number = (value: number) => numbers.format(value);
  const textOf = (value: string | number = '') => (typeof value === 'number' ? number(value) : value);
  const words = (word: Word, values: Parameters<Words>[1] = {}) =>
    CATALOGS[language][word].replace(/\{(\w+)\}/g, (_, name: string) => textOf(values[name]));
  return Object.assign(words, {
    said: language === 'de' ? inGerman : (text: string) => text,
    titleOf: (page: string) => `${page} – ${words('product')}`,
    number,
  });
}

/** Provides the words of the reader's language. */
export function Speaking({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(preferredLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const speech = useMemo<Speech>(
    () => ({
      language,
      setLanguage: (chosen) => {
        keepLanguage(chosen);
        setLanguage(chosen);
      },
      words: wordsIn(language),
    }),
    [language],
  );
  return <SpeechContext value={speech}>{children}</SpeechContext>;
}

export function useSpeech(): Speech {
  const speech = useContext(SpeechContext);
  if (!speech) throw new Error('There are no words outside of Speaking');
  return speech;
}

export const useWords = (): Words => useSpeech().words;

/** The text of a code that the graph may answer, or the given one if the catalog has none: a gateway may be newer than its page. */
export function wordFor(words: Words, prefix: string, code: string, otherwise = code, values: Parameters<Words>[1] = {}): string {
  const word = `${prefix}.${code}`;
  return Object.hasOwn(en, word) ? words(word as Word, values) : otherwise;
}
