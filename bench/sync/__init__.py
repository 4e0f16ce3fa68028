"""First imports and single changes, of Kalends and of others, from the same servers in the same run."""
