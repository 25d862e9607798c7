/**
 * Pure: where Debian's packages come from, by the texts of apt's sources (sources.list(5), both of its styles): the first address that is
 * asked for `codename`, the release of this machine. Other releases of Debian are at the same address.
 */
export function mirrorOf(sources: readonly string[], codename: string): string | undefined {
  return sources.flatMap(entries).find(({ suites }) => suites.includes(codename))?.uri;
}

interface Entry {
  readonly uri: string;
  readonly suites: readonly string[];
}

function entries(text: string): Entry[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return [
    ...lines.flatMap(oneLine),
    ...lines
      .join('\n')
      .split(/\n\s*\n/)
      .flatMap(stanza),
  ];
}

function oneLine(line: string): Entry[] {
  const match = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line);
  return match?.[1] === undefined || match[2] === undefined ? [] : [{ uri: match[1], suites: [match[2]] }];
}

function stanza(text: string): Entry[] {
  const field = (name: string): string[] =>
    new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return [];
  return field('URIs').map((uri) => ({ uri, suites: field('Suites') }));
}
