// All nine methods, as a booking product calls them, and the errors that it has to tell apart.

const DAY = 24 * 60 * 60 * 1000;

/** What does no harm anywhere: list providers and connections. */
export async function look(calendars) {
  const { providers } = await calendars.listProviders();
  const { connections } = await calendars.listConnections();
  return { providers, connections };
}

/**
 * Connect an account, use it, and disconnect it again.
 *
 * `calendars` has the nine methods; `account` is `{ providerId, scheduleId, email, password }`.
 */
export async function everything(calendars, account) {
  const { providerId, scheduleId, email, password } = account;
  const outcome = { ...(await look(calendars)) };

  const { connection } = await calendars.connectByCredentials(providerId, scheduleId, email, password);
  const id = connection._id;
  outcome.connected = connection;
  outcome.listed = await calendars.listConnections({ scheduleIds: [scheduleId], partialFailure: true });
  outcome.got = await calendars.getConnection(id);
  outcome.calendars = (await calendars.listCalendars(id)).calendars;
  outcome.updated = await calendars.updateSyncConfig(id, {
    listEventFromCalendars: {
      enabled: true,
      calendars: { calendars: outcome.calendars.map(({ _id }) => ({ _id })) },
    },
    syncToCalendar: { enabled: true, dedicatedCalendar: {} },
  });
  outcome.switchedOff = await calendars.updateSyncConfig(id, { syncToCalendar: { enabled: false } });

  const now = Date.now();
  const span = {
    from: new Date(now - 30 * DAY).toISOString(),
    to: new Date(now + 30 * DAY).toISOString(),
    scheduleIds: [scheduleId],
  };
  outcome.events = await calendars.listEvents({ ...span, fieldsets: ['OWN_PI'], partialFailure: true });
  outcome.bare = await calendars.listEvents({ ...span, allDay: false });
  const first = await calendars.listEvents({ ...span, cursorPaging: { limit: 1 } });
  const { next } = first.pagingMetadata.cursors;
  outcome.pages = [first, next && (await calendars.listEvents({ cursorPaging: { cursor: next } }))];

  outcome.errors = await errors(calendars, account, id);
  outcome.disconnected = await calendars.disconnect(id);
  outcome.errors.disconnectTwice = await told(calendars.disconnect(id));
  outcome.errors.calendarsOfDisconnected = await told(calendars.listCalendars(id));
  return outcome;
}

async function errors(calendars, { providerId, scheduleId, email }, id) {
  const unknown = '00000000-0000-4000-8000-000000000000';
  return {
    badCredentials: await told(calendars.connectByCredentials(providerId, scheduleId, email, 'wrong')),
    notByOAuth: await told(calendars.connectByOAuth(providerId, scheduleId, 'https://example.com/done?a=1')),
    noPrimary: await told(calendars.updateSyncConfig(id, { syncToCalendar: { enabled: true, primaryCalendar: {} } })),
    bothArms: await told(
      calendars.updateSyncConfig(id, {
        listEventFromCalendars: { primaryCalendar: {}, calendars: { calendars: [] } },
      }),
    ),
    noSuchConnection: await told(calendars.getConnection('NoSuchConnection')),
    noSuchProvider: await told(calendars.connectByCredentials(unknown, scheduleId, email, 'any')),
    noSuchSchedule: await told(calendars.connectByCredentials(providerId, unknown, email, 'any')),
    noGuid: await told(calendars.listConnections({ scheduleIds: ['no-guid'] })),
    tooMuch: await told(calendars.listEvents({ from: '2026-01-01', to: '2026-02-01T00:00:00Z', cursorPaging: { limit: 1001 } })),
    // the SDK drops Date objects from a query without a word
    dates: await told(calendars.listEvents({ from: new Date(), to: new Date() })),
  };
}

/** What an application sees of an error: status, code or violations, request id. */
export async function told(call) {
  try {
    await call;
  } catch (error) {
    return {
      status: error.status,
      code: error.details?.applicationError?.code,
      violations: error.details?.validationError?.fieldViolations?.map(({ field, violatedRule }) => [field, violatedRule]),
      requestId: error.requestId,
      message: error.message,
    };
  }
  throw new Error('the call should have failed');
}
