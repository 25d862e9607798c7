import { openapi } from '../src/api/openapi.js';
import { configurationPage } from '../src/config/docs.js';
import { editorSchema } from '../src/config/json-schema.js';
import { cliPage } from './cli-page.js';
import { errorsPage } from './errors-page.js';

/** A file of the repository that is made from the code. */
export interface GeneratedFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  content(): string | Promise<string>;
}

/** Every file that `npm run docs` writes; test/unit/docs.test.ts checks that each is current. */
export const GENERATED_FILES: readonly GeneratedFile[] = [
  { path: 'docs/configuration.md', content: configurationPage },
  { path: 'docs/tenement.schema.json', content: editorSchema },
  { path: 'docs/openapi.json', content: () => `${JSON.stringify(openapi(), null, 2)}\n` },
  { path: 'docs/cli.md', content: cliPage },
  { path: 'docs/errors.md', content: errorsPage },
];
