import { LRUCache } from 'lru-cache';
import { type Pixel, writePng } from './png.ts';

// The icons of an app that brings none: a speech bubble with three dots. In colour on the accent colour, and white as an outline.
// https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package#app-icons

/** The sizes that Teams takes, in pixels. */
export const COLOR_ICON_SIZE = 192;
export const OUTLINE_ICON_SIZE = 32;

const drawn = new LRUCache<string, Buffer>({ max: 100 });

/** Draws the icon in colour. The symbol keeps within the middle 120 pixels, which Teams never crops. @param accentColor `#` and six hex digits */
export function colorIcon(accentColor: string): Buffer {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(accentColor.slice(at, at + 2), 16)) as [number, number, number];
  return kept(accentColor, () =>
    writePng(COLOR_ICON_SIZE, (x, y) => {
      const [at, down] = [(x + 0.5 - 36) / 120, (y + 0.5 - 36) / 120];
      const white = Math.min(coverage(bubble(at, down), 120), 1 - coverage(dots(at, down), 120));
      return [mix(red, white), mix(green, white), mix(blue, white), 255];
    }),
  );
}

/** Draws the icon as a white outline on nothing. */
export const outlineIcon = (): Buffer =>
  kept('outline', () =>
    writePng(OUTLINE_ICON_SIZE, (x, y): Pixel => {
      const [at, down] = [(x + 0.5) / 32, (y + 0.5) / 32];
      const line = coverage(Math.abs(bubble(at, down) + 0.035) - 0.035, 32);
      return [255, 255, 255, Math.round(255 * Math.max(line, coverage(dots(at, down), 32)))];
    }),
  );

function kept(key: string, draw: () => Buffer): Buffer {
  const icon = drawn.get(key) ?? draw();
  drawn.set(key, icon);
  return icon;
}

const mix = (color: number, white: number) => Math.round(color + (255 - color) * white);

/** How much of a pixel a shape covers, from 0 to 1. @param distance from its edge, negative inside, in parts of the image's side */
const coverage = (distance: number, side: number) => Math.min(1, Math.max(0, 0.5 - distance * side));

/** The distance from a speech bubble: a rounded rectangle, and the triangle below it that points down. */
function bubble(x: number, y: number): number {
  const [right, below] = [Math.abs(x - 0.5) - 0.28, Math.abs(y - 0.43) - 0.16];
  const box = Math.hypot(Math.max(right, 0), Math.max(below, 0)) + Math.min(Math.max(right, below), 0) - 0.16;
  const tail = Math.max(y - 0.95, 0.24 - x, (x - 0.24 - (0.95 - y)) * Math.SQRT1_2, 0.6 - y);
  return Math.min(box, tail);
}

const dots = (x: number, y: number) => Math.min(...[0.3, 0.5, 0.7].map((center) => Math.hypot(x - center, y - 0.43) - 0.065));
