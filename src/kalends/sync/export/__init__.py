"""What an export does: schedule events → the copies that are wanted, and whose a copy is."""
