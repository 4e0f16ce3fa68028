// The methods called as functions of their module, without naming a client: `plain`, or `elevated` by @wix/essentials.
//
//   KALENDS_TEST_TOKEN, and KALENDS_TEST_SCHEDULE_ID to list by

import { createClient } from '@wix/sdk';
import { externalCalendars } from '@wix/bookings';
import { auth } from '@wix/essentials';
import { accessToken, redirectedFetch, report, required } from './kalends.mjs';

const client = createClient({
  auth: accessToken(required('KALENDS_TEST_TOKEN')),
  modules: { externalCalendars },
  fetch: redirectedFetch,
});
client.enableContext('global');

const elevatedListConnections = auth.elevate(externalCalendars.listConnections);

const USAGES = {
  async plain(scheduleIds) {
    const options = { scheduleIds };
    const { connections } = await externalCalendars.listConnections(options);
    return connections;
  },
  async elevated(scheduleIds) {
    client.enableContext('global', { elevated: true });
    const options = { scheduleIds };
    const { connections } = await elevatedListConnections(options);
    return connections;
  },
};

const usage = USAGES[process.argv[2] ?? 'plain'];
if (usage === undefined) {
  console.error(`the usages are ${Object.keys(USAGES).join(', ')}`);
  process.exit(2);
}
report({ connections: await usage([required('KALENDS_TEST_SCHEDULE_ID')]) });
