import { decodeUtf8 } from '../../server/read-body.ts';

/** A form's values by name; `''` for a missing field. */
export type FormFields = (name: string) => string;

/** Whether the Content-Type declares a form. */
export const isForm = (contentType: string): boolean => /^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType.trim());

/** Reads a form. Names are case-insensitive. If a field is repeated, its first value that is not blank counts. */
export function readForm(bytes: Buffer, contentType: string): FormFields {
  const values = new Map<string, string>();
  for (const [name, value] of entriesOf(bytes, contentType)) {
    const key = name.toLowerCase();
    if (!values.get(key)?.trim()) values.set(key, value);
  }
  return (name) => values.get(name.toLowerCase()) ?? '';
}

/**
 * Decodes a form by its declared charset. By default, Java clients write forms in ISO-8859-1, and declare it (UrlEncodedFormEntity of Apache's
 * HttpClient). Bytes that are invalid in the declared charset become U+FFFD.
 */
function entriesOf(bytes: Buffer, contentType: string): Iterable<readonly [string, string]> {
  const decoder = otherDecoder(contentType);
  if (!decoder) return new URLSearchParams(decodeUtf8(bytes) ?? bytes.toString('utf8'));
  const decode = (part: string) => {
    const text = decoder.decode(unescaped(part));
    return decoder.encoding === 'windows-1252'
      ? text.replace(/[\u0080-\u009f]/g, (code) => WINDOWS[code.charCodeAt(0) - 0x80] ?? code)
      : text;
  };
  return bytes
    .toString('latin1')
    .split('&')
    .filter((field) => field !== '')
    .map((field) => {
      const [name = '', ...value] = field.split('=');
      return [decode(name), decode(value.join('='))] as const;
    });
}

/**
 * The characters of windows-1252 from 0x80, which some versions of node do not decode (nodejs/node#56542). By the Encoding Standard, ISO-8859-1 is an
 * alias of it.
 */
const WINDOWS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** @returns `undefined` for UTF-8, and for a charset that is unknown or does not extend ASCII, which no form can have */
function otherDecoder(contentType: string): TextDecoder | undefined {
  const [, label] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType) ?? [];
  if (label === undefined) return undefined;
  try {
    const decoder = new TextDecoder(label, { ignoreBOM: true });
    return /^utf-/.test(decoder.encoding) ? undefined : decoder;
  } catch {
    return undefined;
  }
}

/** The bytes of a name or a value, one character (Latin-1) each. */
const unescaped = (part: string): Buffer =>
  Buffer.from(
    part.replaceAll('+', ' ').replace(/%([0-9a-f]{2})/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
