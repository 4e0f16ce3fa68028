"""What providers that connect by OAuth share: tokens and ID tokens, asking an API, and what its refusals come to."""
