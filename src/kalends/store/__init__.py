"""The data: tables, migrations, and repositories, the only place where SQL stands.

A repository is made for one site and one open transaction; whoever opened the transaction commits it.
"""
