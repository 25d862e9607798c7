// A hostile tenant. Tries everything and prints, as one line of JSON, what each attempt gave it. Nothing that it does harms the machine if it succeeds.
import type { Targets } from './attempt.js';
import { fileAttacks } from './files.js';
import { kernelAttacks } from './kernel.js';
import { forkBomb } from './limits.js';
import { networkAttacks } from './network.js';
import { outlive, processAttacks } from './processes.js';

const targets: Targets = JSON.parse(process.env.TARGETS ?? '{}');
const results = {
  // Alone: what follows does not let answers in, and those that came meanwhile would be found after their time.
  ...(await networkAttacks(targets)),
  ...fileAttacks(targets),
  ...processAttacks(targets),
  ...kernelAttacks(),
  'fork-bomb': await forkBomb(targets.pidsLimit),
};
outlive(targets);
// What still waits for an answer that does not matter any more would keep it.
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit());
