/** What goes wrong with one of the platform's answers. */
export interface AnswerFault {
  /** The connection is cut: `before` the platform has done anything, or `after` it did what was asked. */
  readonly reset?: 'before' | 'after';
  /** The answer, of what was done at once, comes late: after so many ms, or once this settles. */
  readonly delay?: number | Promise<unknown>;
  /** What was asked is done late: after so many ms, or once this settles. With `reset: 'after'` the connection is cut at once. */
  readonly later?: number | Promise<unknown>;
  /** Another answer. Nothing was done, unless `taken`. */
  readonly status?: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly taken?: boolean;
}

/** `early`: all reports of the message are delivered before the answer to its sending. */
export type SendFault = AnswerFault & { readonly early?: boolean };

/** What goes wrong with one of the platform's own requests. `late`: it comes after the next one of the same message. */
export interface HookFault {
  readonly lost?: boolean;
  readonly duplicate?: boolean;
  readonly late?: boolean;
}

/** Every place where something can go wrong: the REST routes, and the two webhooks that the platform calls. */
export interface FaultOf {
  readonly createAccount: AnswerFault;
  readonly updateAccount: AnswerFault;
  readonly account: AnswerFault;
  readonly numbers: AnswerFault;
  readonly updateNumber: AnswerFault;
  readonly send: SendFault;
  readonly message: AnswerFault;
  readonly messages: AnswerFault;
  readonly statusCallback: HookFault;
  readonly smsWebhook: Omit<HookFault, 'late'>;
}
export type FaultPlace = keyof FaultOf;
export type AnswerPlace = Exclude<FaultPlace, 'statusCallback' | 'smsWebhook'>;

/** Faults on demand: the next ones in order, else what the standing rule of the place says. */
export class Faults {
  readonly #next = new Map<FaultPlace, FaultOf[FaultPlace][]>();
  readonly #rules = new Map<FaultPlace, () => FaultOf[FaultPlace] | undefined>();

  /** The next `times` requests at this place meet this fault; further calls queue behind. */
  next<P extends FaultPlace>(place: P, fault: FaultOf[P], times = 1): void {
    this.#next.set(place, [...(this.#next.get(place) ?? []), ...Array<FaultOf[P]>(times).fill(fault)]);
  }

  /** Asked at every request of this place that no `next` is meant for, e.g. for a random share of them. */
  always<P extends FaultPlace>(place: P, rule: () => FaultOf[P] | undefined): void {
    this.#rules.set(place, rule);
  }

  clear(): void {
    this.#next.clear();
    this.#rules.clear();
  }

  /** For the fake itself. */
  take<P extends FaultPlace>(place: P): FaultOf[P] | undefined {
    return (this.#next.get(place)?.shift() ?? this.#rules.get(place)?.()) as FaultOf[P] | undefined;
  }
}
