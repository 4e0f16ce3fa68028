"""`python -m kalends` is the command line."""

from kalends.cli import main

if __name__ == "__main__":
    main()
