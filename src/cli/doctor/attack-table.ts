/** The measured attacks for people and for programs. Pure. */
import { ATTACKS } from '../../../isolation/index.js';
import type { Colors } from '../output.js';
import { table } from '../render.js';
import { type Finding, findingsOf, type Measured } from './attacks.js';

/** Ways have long names: they stand above the table, under the letters of its columns. */
export function attackTable(measured: readonly Measured[], colors: Colors): string {
  const shown = measured.filter(({ outcomes }) => outcomes !== undefined);
  const letters = shown.map((_, i) => String.fromCharCode('A'.charCodeAt(0) + i));
  const rows = ATTACKS.map((attack) => {
    const findings = findingsOf(attack, shown);
    return [attack.title, ...findings.map((finding) => cell(finding, colors))];
  });
  return [
    'What a hostile customer can do here, as measured beside another one:',
    ...shown.map(({ name }, i) => `  ${letters[i]}  ${name}`),
    ...measured.filter(({ error }) => error !== undefined).map(({ name, error }) => `  -  ${name}: ${error}`),
    '',
    table(['ATTACK', ...letters], rows),
    ...remedies(shown, letters),
    ...untried(shown),
  ].join('\n');
}

/** Open although the way does not promise to block it is what one has to know; open although it does is a fault. */
function cell({ outcome, promised }: Finding, colors: Colors): string {
  if (outcome === 'blocked') return colors.green('blocked');
  if (outcome === 'n/a') return colors.dim('n/a');
  return promised ? colors.red('OPEN') : colors.yellow('open');
}

/** The same advice for several attacks is given once. */
function remedies(measured: readonly Measured[], letters: readonly string[]): string[] {
  const byAdvice = new Map<string, string[]>();
  for (const attack of ATTACKS) {
    for (const [i, one] of measured.entries()) {
      const advice = findingsOf(attack, [one])[0]?.remedy;
      if (advice === undefined) continue;
      const key = `${letters[i]}\0${advice}`;
      byAdvice.set(key, [...(byAdvice.get(key) ?? []), attack.title]);
    }
  }
  if (byAdvice.size === 0) return [];
  return [
    '',
    'Against what is open:',
    ...[...byAdvice].map(([key, titles]) => {
      const [letter, advice] = key.split('\0');
      const what = titles.length > 3 ? `${titles.length} attacks` : titles.join('; ');
      return `  ${letter}  ${advice} (${what})`;
    }),
  ];
}

function untried(measured: readonly Measured[]): string[] {
  const reasons = ATTACKS.flatMap((attack) => {
    const detail = findingsOf(attack, measured).find(({ outcome }) => outcome === 'n/a')?.detail;
    return detail === undefined ? [] : [`  ${attack.title}: ${detail}`];
  });
  return reasons.length === 0 ? [] : ['', 'Not tried (n/a):', ...reasons];
}

export function attacksAsJson(measured: readonly Measured[]): object {
  return {
    ways: measured.map(({ name, way, error }) => ({ name, ...way, ...(error !== undefined && { error }) })),
    attacks: ATTACKS.map((attack) => ({ ...attack, findings: findingsOf(attack, measured) })),
  };
}
