"""The use cases around connections: connect, list, configure, read events, disconnect.

Each checks in the order of the contract: does it exist on the caller's site, may the caller reach it, is it in the
right state. Whether the caller may use the method at all was decided before.
"""
