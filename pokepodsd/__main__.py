"""Hands over to the command line."""

from pokepodsd.cli import main

if __name__ == "__main__":
    main(prog_name="pokepodsd")
