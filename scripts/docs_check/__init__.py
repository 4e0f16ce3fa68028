"""Holds the documents to the truth: runs their commands and snippets, and follows their links.

`python -m scripts.docs_check [PAGE …]` (`make docs-check`) does all of it. A page is read by `pages`, its links are
followed by `links`, and its snippets are run in order, as a reader would type them, by `running`, each page on the
`stage` that it needs: a copy of the repository, and accounts at a real calendar server.
"""
