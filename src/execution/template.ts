/** JSON text with gaps: each gap is between two texts, so there is one more text than there are gaps. */
export interface Template<Gap> {
  readonly texts: readonly string[];
  readonly gaps: readonly Gap[];
}

/** Builds a template. */
export class TemplateBuilder<Gap> implements Template<Gap> {
  readonly texts: string[] = [''];
  readonly gaps: Gap[] = [];

  /** Adds fixed text. */
  write(text: string): void {
    this.texts[this.texts.length - 1] += text;
  }

  /** Adds a gap. */
  leave(gap: Gap): void {
    this.gaps.push(gap);
    this.texts.push('');
  }

  /** Writes a JSON object: each member's key, and its value by `writeValue`. */
  object<Member>(members: Iterable<readonly [key: string, member: Member]>, writeValue: (member: Member) => void): void {
    this.write('{');
    let separator = '';
    for (const [key, member] of members) {
      this.write(`${separator}"${key}":`);
      separator = ',';
      writeValue(member);
    }
    this.write('}');
  }
}
