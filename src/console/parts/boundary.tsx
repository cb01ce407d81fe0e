import { Component, type ReactNode } from 'react';
import { ProblemBar } from './states.tsx';

/**
 * Shows what a page failed with instead of nothing at all. Its script may also be gone, as after the gateway was updated: loading the console again
 * helps then.
 */
export class Boundary extends Component<{ readonly children: ReactNode }, { readonly error?: Error }> {
  override state: { readonly error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return <ProblemBar problem={{ code: 'UNKNOWN', message: error.message }} onRetry={() => window.location.reload()} />;
  }
}
