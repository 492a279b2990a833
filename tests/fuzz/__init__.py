"""Every parser of pokepodsd, fed with what nobody should send: entries, corpus, two ways to run.

`python -m tests.fuzz` searches with atheris, guided by what code an input reaches. pytest gives the
same entries a bounded number of inputs that follow from the corpus and a fixed seed.
"""
