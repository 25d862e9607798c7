import { dashboardRoutes } from './routes/dashboard.js';
import { envRoutes } from './routes/env.js';
import { instanceRoutes } from './routes/instances.js';
import { logRoutes } from './routes/logs.js';
import type { Route } from './routes/route.js';
import { serviceRoutes } from './routes/services.js';
import { statusRoutes } from './routes/status.js';
import { tokenRoutes } from './routes/tokens.js';

/** Every endpoint of the server. Scopes, validation, audit and docs/openapi.json are all read off this table. */
export const ROUTES: readonly Route[] = [
  ...statusRoutes,
  ...instanceRoutes,
  ...envRoutes,
  ...serviceRoutes,
  ...logRoutes,
  ...tokenRoutes,
  ...dashboardRoutes,
];
