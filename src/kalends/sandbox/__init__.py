"""Local servers that stand in for calendar services nobody can reach from here: stateful, and faithful to their documents.

For the demo, for tests, and for whoever builds on Kalends. Never for the open: they listen on loopback only.
"""
