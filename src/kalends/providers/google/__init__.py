"""Google Calendar as a kind of provider: API v3, read by sync tokens, written by ids of ours.

session      one connected account        client       requests, and the account's access token
errors       what Google's refusals mean  calendars    the account's calendars
reading      a pass over a calendar       cursor       what is asked, and remembered between passes
auth         consent, by OAuth            delegated    a service account, instead of consent
payload      what is kept of an event     events       JSON → events, as recurrence knows them
expansion    the items of a series → occurrences
writing      copies in a calendar         copies       what a copy is to look like
echo         what stands of a copy        instances    what has to be written of a series
dedicated    calendars made for copies
"""
