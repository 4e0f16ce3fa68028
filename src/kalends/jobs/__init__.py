"""When syncs happen: asking for one, taking up what is wanted or due, keeping leases alive."""
