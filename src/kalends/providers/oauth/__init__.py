"""What providers that connect by OAuth share: asking for tokens, believing an ID token, keeping an access token."""
