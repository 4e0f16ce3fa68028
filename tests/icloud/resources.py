"""Calendar resources as iCloud serves them, whatever was put there.

* DTSTAMP twice in an event, the second after CREATED (home-assistant/core#86938, #140087, #153046).
* Properties and parameters of Apple's own, among them a quoted one with an escaped line break in it.
* An alarm that never rings: ACTION:NONE with a date of 1976 for its trigger, as Apple's calendars make for "no alert".
* No TRANSP, which means that an event blocks (RFC 5545 §3.8.2.7).
* Lines end with a carriage return even inside XML, where it has to be written `&#13;`.
"""

_OF_AN_EVENT = (
    "CREATED:20261101T080000Z",
    "DTSTAMP:20261101T080001Z",
    "X-APPLE-CREATOR-IDENTITY:com.apple.mobilecal",
    "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
    'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-APPLE-MAPKIT-HANDLE="";X-APPLE-RADIUS=7',
    ' 0;X-TITLE="Alte Schönhauser Str. 1\\n10119 Berlin, Deutschland":geo:52.52',
    " 7,13.408",
)
_ALARM = (
    "BEGIN:VALARM",
    "UID:1D6A6B1E-5A7F-4D54-9C4C-5E8C4F0B2C11",
    "X-WR-ALARMUID:1D6A6B1E-5A7F-4D54-9C4C-5E8C4F0B2C11",
    "TRIGGER;VALUE=DATE-TIME:19760401T005545Z",
    "X-APPLE-LOCAL-DEFAULT-ALARM:TRUE",
    "X-APPLE-DEFAULT-ALARM:TRUE",
    "ACTION:NONE",
    "END:VALARM",
)


def served(text: str) -> str:
    """Return the text of a resource with everything that iCloud adds to it, and without what it leaves out."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("TRANSP:OPAQUE"):
            continue
        if line == "END:VEVENT":
            lines += _ALARM
        lines.append(line)
        if line.startswith("DTSTAMP:"):
            lines += _OF_AN_EVENT
    return "".join(f"{line}\r\n" for line in lines)
