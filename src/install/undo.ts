/** Takes acts back. */
import { apply } from './apply.js';
import type { Layout } from './layout.js';
import { RELOAD, RESTART } from './owed.js';
import { contents, isPending, linkTarget, type Step } from './step.js';

export interface Undo {
  /** Does what can be done. What could not be, for people; empty: all is as it was. */
  run(): Promise<string[]>;
}

/** Looks at what is there now, before the acts. `may`: tests run no commands. */
export function undoOf(
  steps: readonly Step[],
  places: Layout,
  may: (step: Step) => boolean = () => true,
): Undo {
  const back = steps.flatMap(inverse).reverse();
  const isRecord = (step: Step) => 'path' in step && step.path === places.record;
  return {
    async run() {
      const failures: string[] = [];
      const attempt = async (some: readonly Step[]) => {
        for (const step of some.filter(may)) {
          // A full disk may not take the text of a file again, but still the link to the program.
          await apply([step], undefined, () => {}).catch((error) => failures.push(String(error.message)));
        }
      };
      const changed = back.filter((step) => !isRecord(step) && isPending(step));
      await attempt(changed);
      // One that nothing has changed under runs on.
      if (changed.some(({ do: act }) => act === 'link' || act === 'file' || act === 'rename'))
        await attempt([RELOAD, RESTART]);
      if (failures.length === 0) await attempt(back.filter(isRecord));
      return failures;
    },
  };
}

/** Not pending where the act was not done. */
function inverse(step: Step): Step[] {
  switch (step.do) {
    case 'file': {
      const text = contents(step.path);
      return [text === undefined ? { do: 'remove', path: step.path, why: 'new' } : { ...step, text }];
    }
    case 'link': {
      const to = linkTarget(step.path);
      return [to === undefined ? { do: 'remove', path: step.path, why: 'new' } : { ...step, to }];
    }
    case 'program':
      return isPending(step) ? [{ do: 'remove-program', path: step.path }] : [];
    case 'rename':
      return [{ do: 'rename', path: step.to, to: step.path, why: 'it was there before' }];
    default:
      return [];
  }
}
