/** JSON text with gaps in it: a text, and then for each gap what fills it and the text that follows. There is one text more than gaps. */
export interface Template<Gap> {
  readonly texts: readonly string[];
  readonly gaps: readonly Gap[];
}

/** A template while it is made. */
export class TemplateBuilder<Gap> implements Template<Gap> {
  readonly texts: string[] = [''];
  readonly gaps: Gap[] = [];

  /** Adds text that is always there. */
  write(text: string): void {
    this.texts[this.texts.length - 1] += text;
  }

  /** Leaves a gap. */
  leave(gap: Gap): void {
    this.gaps.push(gap);
    this.texts.push('');
  }

  /** Writes a JSON object: each member's key, and its value as `writeValue` adds it. */
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
