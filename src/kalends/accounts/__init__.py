"""Which providers a site has, and how to speak for an account that is connected there."""
