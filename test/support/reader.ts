import type { GraphQLFormattedError } from 'graphql';

/** What the subscriptions of these tests send. */
export interface Update {
  readonly __typename: 'MessageEvent' | 'Bookmark';
  readonly cursor: string;
  readonly status: string;
  readonly previousStatus: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly message: { readonly sid: string; readonly direction: string; readonly mapping: { readonly sid: string } | null };
}

interface Answer {
  readonly data?: Readonly<Record<string, Update>> | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

/** One subscription of a client's, and what came of it so far. */
export class Reader {
  readonly updates: Update[] = [];
  readonly errors: GraphQLFormattedError[] = [];
  /** `complete` where the gateway said so; `cut` where the connection ended without. */
  ended: 'complete' | 'cut' | 'error' | undefined;
  /** The WebSocket's close code. */
  code: number | undefined;
  /** Ends it from the client's side. */
  close: () => void = () => {};
  readonly #waiting = new Set<() => void>();

  answer({ data, errors }: Answer): void {
    if (data) this.updates.push(...Object.values(data));
    if (errors) this.errors.push(...errors);
    this.#tell();
  }

  end(how: Reader['ended'], code?: number): void {
    this.ended ??= how;
    this.code ??= code;
    this.#tell();
  }

  get events(): Update[] {
    return this.updates.filter(({ __typename }) => __typename === 'MessageEvent');
  }

  /** Each event as `sid STATUS`. */
  get log(): string[] {
    return this.events.map(({ message, status }) => `${message.sid} ${status}`);
  }

  /** The last cursor of any update. */
  get cursor(): string | undefined {
    return this.updates.at(-1)?.cursor;
  }

  /** Why the gateway refused or ended it. */
  get errorCode(): unknown {
    return this.errors[0]?.extensions?.code;
  }

  /** Waits until the condition holds. @throws Error with what there is where it does not within 15 s */
  async until(condition: (reader: Reader) => boolean): Promise<this> {
    const deadline = Date.now() + 15_000;
    while (!condition(this)) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () =>
            reject(
              new Error(
                `Never: ${condition}\nended ${this.ended} ${this.code}, errors ${JSON.stringify(this.errors)}\n${JSON.stringify(this.updates)}`,
              ),
            ),
          deadline - Date.now(),
        );
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this;
  }

  async hasEvents(count: number): Promise<Update[]> {
    await this.until(({ events }) => events.length >= count);
    return this.events;
  }

  async hasEnded(): Promise<this> {
    return this.until(({ ended }) => ended !== undefined);
  }

  #tell(): void {
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }
}
