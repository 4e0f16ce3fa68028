"""The API's documents: an OpenAPI 3.1 document, and a page for people made from it.

Both are made from the operations and their models, the same ones that the routes use, so that they cannot say anything
else: `schemas` turns models into JSON schemas, `parameters`, `errors` and `plain` describe the parts of a call,
`document` puts them together. `outline` brings the document into the order in which people read; `page` writes that as
HTML, and the repository's reference in Markdown is written from it, too. `serving` answers with both.
"""
