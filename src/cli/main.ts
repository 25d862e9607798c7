/** The entry of `ten` (bin/ten). */
import { failure } from './fail.js';
import { wantsColor } from './output.js';
import { buildProgram } from './program.js';

// `ten logs | head`: the reader has what it wanted, and there is nobody left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const program = buildProgram();
try {
  await program.parseAsync(process.argv);
} catch (error) {
  const { text, exitCode } = failure(error);
  if (text !== '') {
    const { default: pc } = await import('picocolors');
    const { red } = pc.createColors(
      wantsColor(process.stderr, { color: !process.argv.includes('--no-color') }),
    );
    process.stderr.write(`${text.replace(/^error:/, red('error:'))}\n`);
  }
  process.exitCode = exitCode;
}
