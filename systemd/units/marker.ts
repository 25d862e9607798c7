/** First line of every file that `ten install` writes: by it `ten install` and `ten uninstall` know what is theirs. */
export const MARKER = '# Written by `ten install`, and again by `ten upgrade`.';

/** Of what a person has had written, elsewhere. */
export const CADDY_MARKER = '# Written by `ten caddy`.';

export function isOurs(text: string): boolean {
  return text.startsWith(MARKER);
}

/** Comment lines of at most 110 characters. */
export function comment(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > 110) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
