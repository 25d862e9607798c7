/** docs/errors.md, made from the table of errors. */
import { ERRORS } from '../src/base/errors.js';

export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, exit, retryable, message, hint }]) =>
      `| \`${code}\` | ${status} | ${exit} | ${retryable ? 'yes' : 'no'} | ${cell(message)} | ${cell(hint)} |`,
  );
  return `# Errors

This page is made from \`src/base/errors.ts\` (\`npm run docs\`).

An error has a code that never changes its meaning. The API answers \`{"error": {"code", "message", "hint"}}\`, the proxy sends the
code in the header \`tenement-error\` (so that its 503 can be told from the app's own), and \`ten\` ends with the exit code. The
message that you see is usually more exact than the one below. "Again" says whether the same request may succeed later without
anyone changing anything.

| Code | Status | Exit | Again | What happened | What to try |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
