// Reads [{ics, from, to}] (from and to in seconds since 1970) as JSON from stdin and prints, for each, what ical.js makes of it:
// {occurrences: [[start, end], …]} or {error}. A time is seconds since 1970; a floating time or a date is text.
import ICAL from "ical.js";

const MOST_STEPS = 4000;

function moment(time) {
  if (time.isDate || time.zone === ICAL.Timezone.localTimezone) return time.toString();
  return time.toUnixTime();
}

function seconds(time) {
  return time.toUnixTime();
}

function* occurrencesOf(master, overrides, to) {
  const event = new ICAL.Event(master, { exceptions: overrides });
  if (!event.isRecurring()) {
    yield event;
    return;
  }
  const iterator = event.iterator();
  for (let step = 0; step < MOST_STEPS; step++) {
    const next = iterator.next();
    if (!next) return;
    const details = event.getOccurrenceDetails(next);
    // An instance beyond the end may be moved to before it.
    if (seconds(next) > to + 86400 * (overrides.length ? 400 : 2)) return;
    yield { startDate: details.startDate, endDate: details.endDate };
  }
  throw new Error("too many steps");
}

function expand({ ics, from, to }) {
  const calendar = new ICAL.Component(ICAL.parse(ics));
  ICAL.TimezoneService.reset();
  for (const zone of calendar.getAllSubcomponents("vtimezone")) {
    ICAL.TimezoneService.register(new ICAL.Timezone(zone));
  }
  const groups = new Map();
  for (const event of calendar.getAllSubcomponents("vevent")) {
    const uid = event.getFirstPropertyValue("uid");
    if (!groups.has(uid)) groups.set(uid, { masters: [], overrides: [] });
    const group = groups.get(uid);
    (event.hasProperty("recurrence-id") ? group.overrides : group.masters).push(event);
  }
  const found = [];
  for (const { masters, overrides } of groups.values()) {
    const heads = masters.length ? masters : overrides;
    for (const head of heads) {
      for (const { startDate, endDate } of occurrencesOf(head, masters.length ? overrides : [], to)) {
        if (seconds(startDate) <= to + 86400 && seconds(endDate) >= from - 86400) {
          found.push([moment(startDate), moment(endDate)]);
        }
      }
    }
  }
  return found;
}

let input = "";
for await (const chunk of process.stdin) input += chunk;
const answers = JSON.parse(input).map((one) => {
  try {
    return { occurrences: expand(one) };
  } catch (error) {
    return { error: String(error) };
  }
});
process.stdout.write(JSON.stringify(answers));
