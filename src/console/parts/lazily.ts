import { type ComponentType, createElement, lazy } from 'react';
import { GraphProblem } from '../graph/ask.ts';

/** The problem of a script that could not be loaded. The browser's own text is in English, and names the script. */
export const notLoaded = (cause: unknown): GraphProblem => Object.assign(new GraphProblem('NOT_LOADED', ''), { cause });

/** What to do so that those that could not be loaded are loaded again. */
const failures = new Set<() => void>();

/**
 * Makes a component whose script is loaded when it is first rendered. React's `lazy` keeps a failure for ever; this one keeps it until `forgetFailures` is
 * called. It must be kept till then, since React renders the component again to learn of it.
 */
export function lazily<Props extends object>(load: () => Promise<{ readonly default: ComponentType<Props> }>): ComponentType<Props> {
  const attempt = () =>
    lazy(() =>
      load().catch((error: unknown) => {
        failures.add(() => {
          current = attempt();
        });
        throw notLoaded(error);
      }),
    ) as unknown as ComponentType<Props>;
  let current = attempt();
  return (props: Props) => createElement(current, props);
}

/** Has what could not be loaded be loaded again when it is rendered again. */
export function forgetFailures(): void {
  for (const forget of failures) forget();
  failures.clear();
}
