/** Whether anybody still waits for what a statement finds. */
export interface Interest {
  isLost(): boolean;
  /**
   * Calls the listener once nobody waits any more.
   * @returns a function that removes the listener
   */
  onLost(listener: () => void): () => void;
}

/** Nobody waits for the statement's rows: its client has gone, or its request's time is up. */
export class LostInterestError extends Error {
  override readonly name = 'LostInterestError';

  constructor() {
    super('Nobody waits for this statement any more');
  }
}

/** The statement took longer than it may. */
export class TookTooLongError extends Error {
  override readonly name = 'TookTooLongError';

  constructor() {
    super('The statement took longer than it may');
  }
}
