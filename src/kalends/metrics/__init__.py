"""What monitors are told: counters of this process, and gauges of what is stored. No site, account or id is a label."""
