import { Component, type ReactNode } from 'react';
import { problemFrom } from '../graph/ask.ts';
import { forgetFailures } from './lazily.ts';
import { loadAgain } from './load-again.ts';
import { ProblemBar } from './states.tsx';

interface BoundaryProps {
  readonly children: ReactNode;
  /** Closes what failed, if only a part of the page did. */
  readonly onClose?: () => void;
}

interface Failed {
  readonly error?: Error | undefined;
  /** How often the reader has tried again. */
  readonly tries: number;
}

/**
 * Shows what a page failed with instead of nothing at all. Its script may be out of reach: then it is loaded again when the network is back, or when the
 * reader tries again. Or it may be gone, as after the gateway was updated: then loading the console again helps, which may ask for the password. So that
 * is done only when trying again has not helped, and the gateway can be reached.
 */
export class Boundary extends Component<BoundaryProps, Failed> {
  override state: Failed = { tries: 0 };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidMount(): void {
    window.addEventListener('online', this.#again);
  }

  override componentWillUnmount(): void {
    window.removeEventListener('online', this.#again);
    if (this.state.error) forgetFailures();
  }

  readonly #again = () => {
    forgetFailures();
    this.setState({ error: undefined });
  };

  readonly #retry = async () => {
    // Not for a part: what was typed in the rest of the page would be lost.
    if (this.state.tries > 0 && !this.props.onClose && (await loadAgain())) return;
    this.setState(({ tries }) => ({ tries: tries + 1 }));
    this.#again();
  };

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return <ProblemBar problem={problemFrom(error)} onRetry={this.#retry} onClose={this.props.onClose} />;
  }
}
