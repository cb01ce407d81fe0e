import { crc32, deflateSync } from 'node:zlib';

// PNG, as much of it as icons need (https://www.w3.org/TR/png-3/).

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const HEADER_LENGTH = 13;
const BITS = 8;
const RGBA = 6;

/** A colour: red, green, blue and opacity, from 0 to 255. */
export type Pixel = readonly [number, number, number, number];

/** Writes a square image. @param pixelAt its colour at a column and a row */
export function writePng(size: number, pixelAt: (x: number, y: number) => Pixel): Buffer {
  // Each line begins with the kind of its filter: 0, none.
  const lines = Buffer.alloc(size * (size * 4 + 1));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) lines.set(pixelAt(x, y), y * (size * 4 + 1) + 1 + x * 4);
  }
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([BITS, RGBA, 0, 0, 0], 8);
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', deflateSync(lines, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** Reads the size of an image from its header. @returns `undefined` if it is no PNG */
export function sizeOfPng(image: Buffer | undefined): { readonly width: number; readonly height: number } | undefined {
  if (!image || image.length < 33 || !image.subarray(0, 8).equals(SIGNATURE) || image.toString('latin1', 12, 16) !== 'IHDR')
    return undefined;
  return { width: image.readUInt32BE(16), height: image.readUInt32BE(20) };
}

/** Decodes a PNG in a base64 data: URL. @returns `undefined` if it is none */
export function pngOfDataUrl(url: string): Buffer | undefined {
  const [, base64] = /^data:image\/png;base64,([A-Za-z0-9+/]+={0,2})$/.exec(url) ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
