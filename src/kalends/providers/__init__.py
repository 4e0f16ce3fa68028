"""External calendar services behind one port; each knows its protocol and nothing of the store."""
