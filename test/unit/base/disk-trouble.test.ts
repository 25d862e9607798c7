import test from 'ava';
import { asTenementError, isOurTrouble, TenementError } from '../../../src/base/errors.js';

const withCode = (code: string) => Object.assign(new Error(`${code}: something, write '/secret'`), { code });

for (const code of [
  'SQLITE_FULL',
  'SQLITE_IOERR_WRITE',
  'SQLITE_READONLY_DBMOVED',
  'ENOSPC',
  'EROFS',
  'EDQUOT',
  'EIO',
]) {
  test(`${code} is a state that cannot be used, and no fault to report`, (t) => {
    const cause = withCode(code);
    const error = asTenementError(cause);
    t.is(error.code, 'state_unusable');
    t.is(error.cause, cause);
    t.notRegex(error.message, /secret/, 'paths are not for everybody who may call the API');
    t.regex(error.hint, /disk/);
    t.true(isOurTrouble(error));
    t.true(isOurTrouble(new TenementError('start_failed', 'x', { cause: error })));
  });
}

test('anything else stays a fault', (t) => {
  for (const error of [withCode('ENOENT'), withCode('SQLITE_CONSTRAINT'), new Error('x'), 'x']) {
    t.is(asTenementError(error).code, 'internal');
    t.false(isOurTrouble(asTenementError(error)));
  }
});
