"""The queue: carries the word that a sync is wanted to a process that does it.

It carries and decides nothing: what is wanted, what is done and who may do it stands in the rows of connections, so
everything in a queue may be lost, or come twice. `port` says what an engine does; `memory` and `postgres` are two.
"""
