// A self-hosted client: `client.externalCalendars.…`, with the auth strategy that the first argument names.
//
//   token    KALENDS_TEST_TOKEN
//   app      KALENDS_TEST_APP_ID, KALENDS_TEST_APP_SECRET, KALENDS_TEST_INSTANCE_ID
//   api-key  KALENDS_TEST_API_KEY, KALENDS_TEST_SITE_ID
//
// It looks around; with KALENDS_TEST_PROVIDER_ID, KALENDS_TEST_SCHEDULE_ID, KALENDS_TEST_EMAIL and KALENDS_TEST_PASSWORD it connects that
// account, goes through all nine methods, and disconnects it again.

import { ApiKeyStrategy, AppStrategy, createClient } from '@wix/sdk';
import { externalCalendars } from '@wix/bookings';
import { accessToken, redirectTokenCalls, redirectedFetch, report, required } from './kalends.mjs';
import { everything, look, told } from './methods.mjs';

const STRATEGIES = {
  token: () => accessToken(required('KALENDS_TEST_TOKEN')),
  app: () => {
    redirectTokenCalls();
    return AppStrategy({
      appId: required('KALENDS_TEST_APP_ID'),
      appSecret: required('KALENDS_TEST_APP_SECRET'),
      instanceId: required('KALENDS_TEST_INSTANCE_ID'),
    });
  },
  'api-key': () => ApiKeyStrategy({ apiKey: required('KALENDS_TEST_API_KEY'), siteId: required('KALENDS_TEST_SITE_ID') }),
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
} else if (process.env.KALENDS_TEST_EMAIL) {
  report(
    await everything(client.externalCalendars, {
      providerId: required('KALENDS_TEST_PROVIDER_ID'),
      scheduleId: required('KALENDS_TEST_SCHEDULE_ID'),
      email: required('KALENDS_TEST_EMAIL'),
      password: required('KALENDS_TEST_PASSWORD'),
    }),
  );
} else {
  report(await look(client.externalCalendars));
}
