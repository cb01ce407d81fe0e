// How the gateway counts an SMS (src/domain/messages/sms-encoding.ts, compared by a test): GSM 7-bit (3GPP TS 23.038) where possible, else UCS-2.
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const ESCAPED = new Set('\f^{}\\[~]|€');

/** The encoding of a text and its number of segments. */
export function segmentsOf(text: string): { readonly encoding: 'GSM_7' | 'UCS_2'; readonly segments: number } {
  const characters = [...text];
  const isGsm = characters.every((character) => BASIC.has(character) || ESCAPED.has(character));
  const sizes = characters.map((character) => (isGsm ? (ESCAPED.has(character) ? 2 : 1) : character.length));
  const [single, each] = isGsm ? [160, 153] : [70, 67];
  let [segments, used, total] = [1, 0, 0];
  for (const size of sizes) {
    total += size;
    // Neither an escape nor a surrogate pair is split.
    if (used + size > each) {
      segments += 1;
      used = 0;
    }
    used += size;
  }
  return { encoding: isGsm ? 'GSM_7' : 'UCS_2', segments: total <= single ? 1 : segments };
}
