"""`kalends doctor`: looks at an installation from settings to disk, says what is wrong and what to do, changes nothing.

finding          what a check says
settings         load them; nothing else can be looked at without
data_folder      the folder of the embedded database and its key
database         reachable, whole, of the right schema
keys             the secret keys, and what they no longer open
clock            this machine's time against everybody else's
providers        the calendar servers in use
connections      those that are late, broken or incomplete
servers          who takes up syncs, and what waits for it
disk             room for the data
runner           one after another, each with a deadline, each whatever came of the others

Nothing that is found names a secret, an account or the title of an event: ids, hosts, files and counts do.
"""
