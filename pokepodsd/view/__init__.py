"""What is told, as a person reads it: values in, text out. Does nothing else."""
