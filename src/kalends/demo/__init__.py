"""The demo: a calendar server with a few calendars, and a site whose schedules are connected to it.

Everything is kept in one data folder, and the same again when it is run again.
"""
