import { type AST, parseTOML } from 'toml-eslint-parser';

/** Line and column in a file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

type Path = readonly (string | number)[];

/**
 * Tells where a key stands in the source. smol-toml keeps no positions, so the file is parsed a second time; only done
 * when there is something to report. A key that is not in the file gets the position of the nearest table above it.
 */
export function locator(source: string): (path: Path) => Position | undefined {
  const found = new Map<string, Position>();
  const note = (path: Path, node: AST.TOMLNode) => {
    const id = JSON.stringify(path);
    if (!found.has(id)) found.set(id, { line: node.loc.start.line, column: node.loc.start.column + 1 });
  };
  const [program] = parseTOML(source).body;
  for (const node of program.body) {
    if (node.type === 'TOMLTable') {
      node.key.keys.forEach((key, i) => {
        note(node.resolvedKey.slice(0, i + 1), key);
      });
      note(node.resolvedKey, node);
      for (const child of node.body) visitPair(child, node.resolvedKey, note);
    } else {
      visitPair(node, [], note);
    }
  }
  return (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const position = found.get(JSON.stringify(path.slice(0, length)));
      if (position !== undefined) return position;
    }
    return undefined;
  };
}

type Note = (path: Path, node: AST.TOMLNode) => void;

function visitPair(pair: AST.TOMLKeyValue, prefix: Path, note: Note): void {
  let path = prefix;
  for (const key of pair.key.keys) {
    path = [...path, key.type === 'TOMLBare' ? key.name : key.value];
    note(path, key);
  }
  visitValue(pair.value, path, note);
}

function visitValue(value: AST.TOMLContentNode, path: Path, note: Note): void {
  if (value.type === 'TOMLArray') {
    value.elements.forEach((element, i) => {
      note([...path, i], element);
      visitValue(element, [...path, i], note);
    });
  } else if (value.type === 'TOMLInlineTable') {
    for (const child of value.body) visitPair(child, path, note);
  }
}
