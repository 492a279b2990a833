"""The tests of pokepodsd, and the programs that they stand on."""
