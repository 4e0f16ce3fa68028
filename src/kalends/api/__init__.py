"""The wire contract over HTTP: who calls, may they, what do they ask, and how the answer is written.

Every method is an `Operation` and goes through the same steps in the same order; the rules themselves are in the
use cases that it calls. `application.create_api` puts everything together.
"""
