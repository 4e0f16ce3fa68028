"""Traces: how long requests, syncs and questions to calendar servers took, for who collects OpenTelemetry spans.

Off by default, and then without cost. No span names a site, an account or a person, or says what was asked or answered.
"""
