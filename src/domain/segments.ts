import type { MessageEncoding } from '../../prisma/client/client.ts';

// GSM 03.38, as in 3GPP TS 23.038 section 6.2.1. Its extension table's characters take two places.
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENSION = new Set('\f^{}\\[~]|€');

/** How a carrier encodes a text, and in how many segments: 160 or 153 each of septets, 70 or 67 each of UCS-2 units. */
export function segmentsOf(body: string): { encoding: MessageEncoding; segments: number } {
  let septets = 0;
  for (const character of body) {
    if (BASIC.has(character)) septets += 1;
    else if (EXTENSION.has(character)) septets += 2;
    else return { encoding: 'UCS_2', segments: count(body.length, 70, 67) };
  }
  return { encoding: 'GSM_7', segments: count(septets, 160, 153) };
}

const count = (units: number, single: number, each: number) => (units <= single ? 1 : Math.ceil(units / each));
