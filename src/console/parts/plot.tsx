import { makeStyles, tokens } from '@fluentui/react-components';

/** Colours of the parts, from the bottom of each bar. They differ in lightness, too. */
const COLOURS = [tokens.colorPaletteBlueBorderActive, tokens.colorPaletteRedBackground3, tokens.colorNeutralStroke1Pressed];
const HEIGHT = 120;

const useStyles = makeStyles({
  figure: { margin: '0 0 24px' },
  caption: { fontWeight: tokens.fontWeightSemibold, marginBottom: '8px' },
  plot: { width: '100%', height: `${HEIGHT}px`, display: 'block', borderBottom: `1px solid ${tokens.colorNeutralStroke1}` },
  legend: { listStyle: 'none', display: 'flex', flexWrap: 'wrap', gap: '4px 16px', margin: '8px 0 0', padding: 0 },
  sample: { display: 'inline-block', width: '10px', height: '10px', marginRight: '6px' },
});

interface PlotProps {
  readonly title: string;
  /** The names of the parts of each bar. */
  readonly parts: readonly string[];
  readonly bars: readonly { readonly label: string; readonly values: readonly number[] }[];
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Bars of several parts. What it shows is also said, as a sum of each part. */
export function Plot({ title, parts, bars }: PlotProps) {
  const styles = useStyles();
  const highest = Math.max(1, ...bars.map(({ values }) => sum(values)));
  const totals = parts.map((_, part) => sum(bars.map(({ values }) => values[part] ?? 0)));
  const width = 100 / Math.max(1, bars.length);
  const spoken = parts.map((part, index) => `${part}: ${totals[index]}`).join(', ');
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>{title}</figcaption>
      <svg className={styles.plot} viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title}. ${spoken}`}>
        {bars.map(({ label, values }, index) => (
          <g key={label}>
            <title>{`${label}: ${parts.map((part, at) => `${part} ${values[at] ?? 0}`).join(', ')}`}</title>
            {values.map((value, part) => {
              const below = sum(values.slice(0, part));
              const height = (value / highest) * HEIGHT;
              return (
                <rect
                  key={parts[part]}
                  x={index * width + width * 0.1}
                  width={width * 0.8}
                  y={HEIGHT - (below / highest) * HEIGHT - height}
                  height={height}
                  style={{ fill: COLOURS[part] }}
                />
              );
            })}
          </g>
        ))}
      </svg>
      <ul className={styles.legend}>
        {parts.map((part, index) => (
          <li key={part}>
            <span className={styles.sample} style={{ backgroundColor: COLOURS[index] }} />
            {part}: {totals[index]?.toLocaleString()}
          </li>
        ))}
      </ul>
    </figure>
  );
}
