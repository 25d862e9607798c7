/** One thing that is wrong in a configuration file. Messages never contain values: those may be secrets. */
export interface Problem {
  /** Keys and indexes that lead to it; of the most exact key that exists. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The nearest known key, when the key itself is unknown. */
  readonly suggestion?: string;
  /** The absolute path of what is not there, as far as we can see. */
  readonly missing?: string;
}

/** `service.notes.env.DB`, `settings.listen[1]`, `routing.path."/shop"`: as it would be written in TOML. */
export function formatPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += `${text === '' ? '' : '.'}${/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part)}`;
  }
  return text;
}
