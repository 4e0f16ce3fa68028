"""Small programs for the people who build Kalends: pages and pictures that are made from the code."""
