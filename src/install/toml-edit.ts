/** Changes values in a TOML file and leaves the rest, comments too, as it is written. Pure. */
import { type AST, parseTOML } from 'toml-eslint-parser';

export interface Edit {
  readonly path: readonly string[];
  readonly value: Value;
}

type Value = string | readonly string[];

/** Where keys are added to a table. */
interface Table {
  readonly at: number;
  readonly inline: boolean;
  readonly empty: boolean;
}

/**
 * Sets each value: where the key stands already in its place, else at the head of its table. A table that the file does not have is
 * added at its end; of the path's keys only the last may be new to one that is written by dots or in braces.
 */
export function editToml(source: string, edits: readonly Edit[]): string {
  return edits.reduce(setValue, source);
}

function setValue(source: string, { path, value }: Edit): string {
  const { values, tables } = survey(source);
  const text = format(value);
  const range = values.get(id(path));
  if (range !== undefined) return source.slice(0, range[0]) + text + source.slice(range[1]);
  const key = path.at(-1) ?? '';
  const table = tables.get(id(path.slice(0, -1)));
  if (table === undefined) {
    const header = path.slice(0, -1).map(formatKey).join('.');
    return `${source.replace(/\n*$/, '\n')}\n[${header}]\n${formatKey(key)} = ${text}\n`;
  }
  const pair = `${formatKey(key)} = ${text}`;
  const added = table.inline ? ` ${pair}${table.empty ? ' ' : ','}` : `${pair}\n`;
  const before = source.slice(0, table.at);
  const gap = table.inline || before.endsWith('\n') || before === '' ? '' : '\n';
  return before + gap + added + source.slice(table.at);
}

function survey(source: string) {
  const values = new Map<string, readonly [number, number]>();
  const tables = new Map<string, Table>();
  const lineAfter = (offset: number) => {
    const end = source.indexOf('\n', offset);
    return end === -1 ? source.length : end + 1;
  };
  const visit = (pair: AST.TOMLKeyValue, prefix: readonly string[]) => {
    const keys = pair.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
    const path = [...prefix, ...keys];
    values.set(id(path), [...pair.value.range]);
    if (pair.value.type !== 'TOMLInlineTable') return;
    tables.set(id(path), { at: pair.value.range[0] + 1, inline: true, empty: pair.value.body.length === 0 });
    for (const child of pair.value.body) visit(child, path);
  };
  const [program] = parseTOML(source).body;
  for (const node of program.body) {
    if (node.type === 'TOMLTable') {
      const path = node.resolvedKey.map(String);
      const header = node.key.range[1];
      if (node.kind === 'standard')
        tables.set(id(path), { at: lineAfter(header), inline: false, empty: false });
      for (const child of node.body) visit(child, path);
    } else visit(node, []);
  }
  return { values, tables };
}

const id = (path: readonly string[]) => JSON.stringify(path);

function formatKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

/** JSON's strings are TOML's, but for one: TOML has no bare DEL (toml.io, "String"). */
function format(value: Value): string {
  if (typeof value !== 'string') return `[${value.map(format).join(', ')}]`;
  return JSON.stringify(value).replaceAll('\u007f', '\\u007F');
}
