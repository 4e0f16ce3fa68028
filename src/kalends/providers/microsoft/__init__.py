"""Microsoft 365 and Outlook.com, over Microsoft Graph v1.0.

`kind` is the plugin, `session` one account. On the way in: `scopes` and `auth` (identity platform v2.0), `client` and
`errors` (one request, and what a refusal means), `calendars`, `cursor` and `reading` (what changed in a calendar view),
`payload` (what is kept), `expansion` (what is kept → occurrences), `subscriptions` (being told of changes). On the way
out: `writing` (copies), with `content` and `pattern` (what one says and when it is), `held` (what Graph has of it) and
`tags` (how it is recognised), and `own_calendars` (calendars made for copies).
"""
