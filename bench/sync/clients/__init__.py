"""The clients that are measured: each a program of its own, which needs nothing of Kalends but its own.

A client is started with the calendar's URL, user, password and a folder of its own. For each line that it reads,
`first` (everything, from nothing) or `again` (what changed since), it writes a line of JSON: `wall` in seconds, and
`events`, how many it took.
"""
