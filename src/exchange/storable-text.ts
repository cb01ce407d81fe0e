/**
 * Checks that a text from outside can be stored: PostgreSQL's text type holds no NUL, and UTF-8 no lone surrogates.
 * @param max the largest length, in UTF-16 code units
 */
export const isStorableText = (value: string, max: number): boolean => value.length <= max && !value.includes('\0') && value.isWellFormed();
