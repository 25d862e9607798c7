/** What is written down before, between and after the acts: a run that is killed at any moment is known, and the next one goes on. */
import type { Asked } from './asked.js';
import type { Choices } from './choices.js';
import type { Layout } from './layout.js';
import type { Ask } from './owed.js';
import { removeOthers, standing } from './programs.js';
import { type Installed, recordText } from './record.js';
import { isPending, type Step } from './step.js';

interface Beginning {
  readonly places: Layout;
  readonly installed: Installed | undefined;
  readonly coming: NonNullable<Installed['coming']>;
  /** What was chosen before; of a first installation what it was asked for. */
  readonly before: Choices | { readonly asked: Asked };
}

/**
 * `whole`: as it is to be. Until all is done, the program is the one before, as it is what can be gone back to, and the choices those from
 * before: else a run without options would go on with a half of what was chosen now.
 */
export function begunRecord(
  whole: Installed,
  { places, installed, coming, before }: Beginning,
): (owed: readonly Ask[]) => Installed {
  const { programs: _programs, current: _current, previous: _previous, dnsProvider, ...rest } = whole;
  const stand = installed && standing(installed, places);
  const isNew = coming.name !== stand?.current;
  // Taken up by the next run, which may be called to take that one back.
  const cut = isNew ? coming : installed?.coming;
  const provider = 'asked' in before ? dnsProvider : before.dnsProvider;
  const { dnsProvider: _provider, ...choices }: Partial<Choices> = 'asked' in before ? {} : before;
  return (owed) => ({
    ...rest,
    programs: stand?.programs ?? [],
    current: stand?.current ?? coming.name,
    ...(stand?.previous !== undefined && { previous: stand.previous }),
    ...choices,
    ...(provider !== undefined && { dnsProvider: provider }),
    ...('asked' in before && { asked: before.asked }),
    ...(cut !== undefined && { coming: cut }),
    ...(owed.length > 0 && { owed: [...owed] }),
  });
}

interface Course {
  /** While the program is copied. */
  readonly copying: Installed;
  readonly begun: Installed;
  readonly acts: readonly Step[];
  /** When all is done. */
  readonly record: Installed;
}

export function inOrder(places: Layout, { copying, begun, acts, record }: Course): Step[] {
  const write = (one: Installed): Step => ({
    do: 'file',
    path: places.record,
    text: recordText(one),
    mode: 0o644,
  });
  const copies = acts.filter((step) => step.do === 'program');
  const others = acts.filter((step) => step.do !== 'program');
  const steps: Step[] = [{ do: 'directory', path: places.programs, mode: 0o755 }];
  const first = steps.filter(isPending);
  let written: string | undefined;
  const writeDown = (one: Installed) => {
    const step = write(one);
    if (written === undefined ? isPending(step) : recordText(one) !== written) first.push(step);
    written = recordText(one);
  };
  if (copies.length > 0) writeDown(copying);
  first.push(...copies);
  if (acts.length > 0) writeDown(begun);
  const last = write(record);
  const willDiffer = acts.length > 0 ? recordText(record) !== recordText(begun) : isPending(last);
  return [
    ...first,
    ...others,
    ...(willDiffer ? [last] : []),
    ...removeOthers(
      places,
      record.programs.map(({ name }) => name),
    ).filter(isPending),
  ];
}
