"""A stand-in for Microsoft: the identity platform's OAuth and OpenID endpoints (v2.0), and Microsoft Graph v1.0."""
