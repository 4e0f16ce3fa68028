"""The few pages that people see on their way to a provider: without script, and without anything from elsewhere."""
