import { makeStyles, tokens } from '@fluentui/react-components';
import { useWords } from '../../words/words.tsx';

/** They differ in lightness, too. */
const COLOURS = {
  blue: tokens.colorPaletteBlueBorderActive,
  teal: tokens.colorPaletteTealBorderActive,
  red: tokens.colorPaletteRedBackground3,
  grey: tokens.colorNeutralStroke1Pressed,
};
const HEIGHT = 120;

const useStyles = makeStyles({
  figure: { margin: '0 0 24px' },
  caption: { fontWeight: tokens.fontWeightSemibold, marginBottom: '8px' },
  plot: { width: '100%', height: `${HEIGHT}px`, display: 'block', borderBottom: `1px solid ${tokens.colorNeutralStroke1}` },
  // The value of the highest bar, above it, and the dates of the first, the middle and the last bar.
  highest: {
    color: tokens.colorNeutralForeground2,
    fontSize: tokens.fontSizeBase200,
    borderBottom: `1px dashed ${tokens.colorNeutralStroke2}`,
  },
  axis: {
    display: 'flex',
    justifyContent: 'space-between',
    marginTop: '4px',
    color: tokens.colorNeutralForeground2,
    fontSize: tokens.fontSizeBase200,
  },
  legend: { listStyle: 'none', display: 'flex', flexWrap: 'wrap', gap: '4px 16px', margin: '8px 0 0', padding: 0 },
  sample: { display: 'inline-block', width: '10px', height: '10px', marginRight: '6px' },
});

interface PlotProps {
  readonly title: string;
  /** The names and colours of the parts of each bar, from its bottom. */
  readonly parts: readonly (readonly [string, keyof typeof COLOURS])[];
  readonly bars: readonly { readonly label: string; readonly values: readonly number[] }[];
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Bars of several parts. What it shows is also said, as a sum of each part. */
export function Plot({ title, parts, bars }: PlotProps) {
  const styles = useStyles();
  const words = useWords();
  const highest = Math.max(1, ...bars.map(({ values }) => sum(values)));
  const totals = parts.map((_, part) => sum(bars.map(({ values }) => values[part] ?? 0)));
  const width = 100 / Math.max(1, bars.length);
  const spoken = parts.map(([part], index) => `${part}: ${words.number(totals[index] ?? 0)}`).join(', ');
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>{title}</figcaption>
      <div className={styles.highest} aria-hidden>
        {words.number(highest)}
      </div>
      <svg className={styles.plot} viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title}. ${spoken}`}>
        {bars.map(({ label, values }, index) => (
          <g key={label}>
            <title>{`${label}: ${parts.map(([part], at) => `${part} ${words.number(values[at] ?? 0)}`).join(', ')}`}</title>
            {parts.map(([name, colour], part) => {
              const value = values[part] ?? 0;
              const below = sum(values.slice(0, part));
              const height = (value / highest) * HEIGHT;
              return (
                <rect
                  key={name}
                  x={index * width + width * 0.1}
                  width={width * 0.8}
                  y={HEIGHT - (below / highest) * HEIGHT - height}
                  height={height}
                  style={{ fill: COLOURS[colour] }}
                />
              );
            })}
          </g>
        ))}
      </svg>
      <div className={styles.axis} aria-hidden>
        {[0, Math.floor((bars.length - 1) / 2), bars.length - 1].map((index) => (
          <span key={index}>{bars[index]?.label}</span>
        ))}
      </div>
      <ul className={styles.legend}>
        {parts.map(([part, colour], index) => (
          <li key={part}>
            <span className={styles.sample} style={{ backgroundColor: COLOURS[colour] }} />
            {part}: {words.number(totals[index] ?? 0)}
          </li>
        ))}
      </ul>
    </figure>
  );
}
