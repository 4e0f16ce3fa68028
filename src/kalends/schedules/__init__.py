"""The use cases around schedules."""
