"""What a large ICS feed costs: its first import, and looking again when nothing, or one event, changed.

A server of its own sends made-up events. The unchanged feed is asked for many times with an ETag, and without one.
"""
