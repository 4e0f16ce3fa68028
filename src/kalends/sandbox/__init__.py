"""Local servers that stand in for calendar services: stateful, and faithful to those services' documents.

For the demo, for tests, and for whoever builds on Kalends. Never for the open: they listen on loopback only.
"""
