// A self-hosted client: `client.externalCalendars.…`, with the auth strategy that the first argument names.
//
//   token    KALENDS_TOKEN
//   app      KALENDS_APP_ID, KALENDS_APP_SECRET, KALENDS_INSTANCE_ID
//   api-key  KALENDS_API_KEY, KALENDS_SITE_ID
//
// It looks around; with KALENDS_PROVIDER_ID, KALENDS_SCHEDULE_ID, KALENDS_EMAIL and KALENDS_PASSWORD it connects that
// account, goes through all nine methods, and disconnects it again.

import { ApiKeyStrategy, AppStrategy, createClient } from '@wix/sdk';
import { externalCalendars } from '@wix/bookings';
import { accessToken, redirectTokenCalls, redirectedFetch, report, required } from './kalends.mjs';
import { everything, look, told } from './methods.mjs';

const STRATEGIES = {
  token: () => accessToken(required('KALENDS_TOKEN')),
  app: () => {
    redirectTokenCalls();
    return AppStrategy({
      appId: required('KALENDS_APP_ID'),
      appSecret: required('KALENDS_APP_SECRET'),
      instanceId: required('KALENDS_INSTANCE_ID'),
    });
  },
  'api-key': () => ApiKeyStrategy({ apiKey: required('KALENDS_API_KEY'), siteId: required('KALENDS_SITE_ID') }),
  none: () => undefined,
};

const strategy = STRATEGIES[process.argv[2] ?? 'token'];
if (strategy === undefined) {
  console.error(`the strategies are ${Object.keys(STRATEGIES).join(', ')}`);
  process.exit(2);
}
const client = createClient({ auth: strategy(), modules: { externalCalendars }, fetch: redirectedFetch });

if (process.argv[2] === 'none') {
  report({ errors: { unauthenticated: await told(client.externalCalendars.listConnections()) } });
} else if (process.env.KALENDS_EMAIL) {
  report(
    await everything(client.externalCalendars, {
      providerId: required('KALENDS_PROVIDER_ID'),
      scheduleId: required('KALENDS_SCHEDULE_ID'),
      email: required('KALENDS_EMAIL'),
      password: required('KALENDS_PASSWORD'),
    }),
  );
} else {
  report(await look(client.externalCalendars));
}
