"""Documents to what a person looks at. Pure: no clock, no terminal, no file."""
