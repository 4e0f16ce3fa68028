"""A stand-in for Google: its OAuth and OpenID endpoints, and Google Calendar API v3."""
