/** What the suites of all backends have to know of those whose instances are units of systemd. */
import { closeInheritedFds, createBackends, probeHost } from '../../isolation/index.js';
import { newUser } from '../integration/isolation/variants.js';

closeInheritedFds();
const host = await probeHost();
export const backends = createBackends(host);

export const unitVariant = {
  host,
  findsEverything: true,
  networks: ['host', 'none'] as const,
  endsTogether: true,
  tellsEveryExit: true,
  takesNoSocket: true,
  newIdentity: () => newUser(true),
};
