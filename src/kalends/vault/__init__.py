"""Keeps secrets: the process's keys, what is sealed with them, and what is signed with them."""
