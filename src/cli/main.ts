/** The entry of `ten` (bin/ten). */
import { endOnBrokenPipe } from './broken-pipe.js';
import { failure } from './fail.js';
import { pathOf } from './globals.js';
import { wantsColor } from './output.js';
import { buildProgram } from './program.js';

endOnBrokenPipe();
const program = buildProgram();
let running: string | undefined;
program.hook('preAction', (_, command) => {
  running = pathOf(command);
});
try {
  await program.parseAsync(process.argv);
} catch (error) {
  const { text, exitCode } = failure(error, running);
  if (text !== '') {
    const { default: pc } = await import('picocolors');
    const { red } = pc.createColors(
      wantsColor(process.stderr, { color: !process.argv.includes('--no-color') }),
    );
    process.exitCode = exitCode;
    // At once: a server that could not listen would go on looking after the instances that it has taken over, beside the next one.
    process.stderr.write(`${text.replace(/^error:/, red('error:'))}\n`, () => process.exit());
  }
  process.exitCode = exitCode;
}
