"""What is in the packages, without installing them; how they are built."""
