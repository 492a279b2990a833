"""All doing: input and output, one module an outside thing, and no policy."""
