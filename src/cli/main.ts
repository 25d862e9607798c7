/** The entry of `ten` (bin/ten). */
import { endOnBrokenPipe } from './broken-pipe.js';
import { failure } from './fail.js';
import { pathOf } from './globals.js';
import { wantsColor } from './output.js';
import { buildProgram } from './program.js';

/** The priority of sd-daemon(3): a server that cannot start, or a reload that is refused, is found by `journalctl -p warning`. */
const ERROR = '<3>';
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
  process.exitCode = exitCode;
  if (text !== '') {
    const { default: pc } = await import('picocolors');
    const { logsToJournal } = await import('../base/log.js');
    const { red } = pc.createColors(
      wantsColor(process.stderr, { color: !process.argv.includes('--no-color') }),
    );
    // At once: a server that could not listen would go on looking after the instances that it has taken over, beside the next one.
    const told = logsToJournal() ? text.replace(/^/gm, ERROR) : text.replace(/^error:/, red('error:'));
    process.stderr.write(`${told}\n`, () => process.exit());
  }
}
