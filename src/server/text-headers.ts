/** The part of Headers that responses need. Names are in lower case; each has one value. */
export class TextHeaders {
  readonly all: Record<string, string>;

  constructor(headers: Readonly<Record<string, string>>) {
    this.all = Object.assign({}, headers);
  }

  has(name: string): boolean {
    return this.all[name] !== undefined;
  }

  set(name: string, value: string): void {
    this.all[name] = value;
  }

  /** Sets the headers that are absent. */
  setDefaults(headers: Readonly<Record<string, string>>): void {
    for (const name in headers) this.all[name] ??= headers[name] as string;
  }

  append(name: string, value: string): void {
    const before = this.all[name];
    this.all[name] = before === undefined ? value : `${before}, ${value}`;
  }
}
