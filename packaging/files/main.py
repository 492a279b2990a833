"""What `python3 /usr/share/pokepodsd/lib` runs: the packages beside this file are in its path."""

from pokepodsd.cli import main

main(prog_name="pokepodsd")
