"""Who may call: sites, users, apps and API keys, the tokens they get, and who a request comes from."""
