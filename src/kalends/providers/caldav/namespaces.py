"""Qualified names of the WebDAV and CalDAV elements that are asked for or looked at, as `{namespace}name`."""

_DAV = "{DAV:}"
_CALDAV = "{urn:ietf:params:xml:ns:caldav}"
_CALENDARSERVER = "{http://calendarserver.org/ns/}"
_APPLE = "{http://apple.com/ns/ical/}"
_KALENDS = "{urn:x-kalends:caldav}"

# RFC 4918, RFC 3744, RFC 5397, RFC 6578
MULTISTATUS = f"{_DAV}multistatus"
RESPONSE = f"{_DAV}response"
HREF = f"{_DAV}href"
STATUS = f"{_DAV}status"
PROPSTAT = f"{_DAV}propstat"
PROP = f"{_DAV}prop"
SYNC_TOKEN = f"{_DAV}sync-token"
GETETAG = f"{_DAV}getetag"
RESOURCETYPE = f"{_DAV}resourcetype"
COLLECTION = f"{_DAV}collection"
PRINCIPAL = f"{_DAV}principal"
DISPLAYNAME = f"{_DAV}displayname"
CURRENT_USER_PRINCIPAL = f"{_DAV}current-user-principal"
UNAUTHENTICATED = f"{_DAV}unauthenticated"
CURRENT_USER_PRIVILEGE_SET = f"{_DAV}current-user-privilege-set"
PRIVILEGE = f"{_DAV}privilege"
WRITING_PRIVILEGES = frozenset(f"{_DAV}{name}" for name in ("all", "write", "write-content", "bind"))

# RFC 4791, RFC 6638, RFC 7809
CALENDAR = f"{_CALDAV}calendar"
CALENDAR_DATA = f"{_CALDAV}calendar-data"
CALENDAR_HOME_SET = f"{_CALDAV}calendar-home-set"
CALENDAR_USER_ADDRESS_SET = f"{_CALDAV}calendar-user-address-set"
CALENDAR_TIMEZONE = f"{_CALDAV}calendar-timezone"
CALENDAR_TIMEZONE_ID = f"{_CALDAV}calendar-timezone-id"
SUPPORTED_COMPONENTS = f"{_CALDAV}supported-calendar-component-set"
COMPONENT = f"{_CALDAV}comp"
SCHEDULE_INBOX = f"{_CALDAV}schedule-inbox"
SCHEDULE_OUTBOX = f"{_CALDAV}schedule-outbox"
SCHEDULE_DEFAULT_CALENDAR = f"{_CALDAV}schedule-default-calendar-URL"

# What many servers took over from Apple's Calendar Server
GETCTAG = f"{_CALENDARSERVER}getctag"
SUBSCRIBED = f"{_CALENDARSERVER}subscribed"
SHARED = f"{_CALENDARSERVER}shared"
NOTIFICATION = f"{_CALENDARSERVER}notification"
CALENDAR_COLOR = f"{_APPLE}calendar-color"

# Our own: on calendars that were made for copies
EXPORT_MARKER = f"{_KALENDS}export-marker"

KNOWN = WRITING_PRIVILEGES | {tag for name, tag in dict(globals()).items() if name.isupper() and isinstance(tag, str)}
"""All of the above: whatever else an answer holds was not asked for."""
