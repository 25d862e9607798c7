import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CorpusHead {
  readonly title: string;
  /** Request line or status line. */
  readonly start: string;
  /** `Name: value`, one byte per character. */
  readonly fields: readonly string[];
}

/**
 * The heads in test/fixtures/http/{kind}, written after what common programs send. Each file holds blocks: a line `=== title`, the
 * head with plain line ends, an empty line.
 */
export function corpus(kind: 'requests' | 'responses'): CorpusHead[] {
  const folder = join('test', 'fixtures', 'http', kind);
  const files = readdirSync(folder).sort();
  return files.flatMap((file) =>
    blocks(readFileSync(join(folder, file), 'latin1'), file.replace('.txt', '')),
  );
}

function blocks(text: string, file: string): CorpusHead[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((block) => {
      const [title = '', start = '', ...rest] = block.split('\n');
      return { title: `${file}: ${title}`, start, fields: rest.filter((line) => line !== '') };
    });
}
