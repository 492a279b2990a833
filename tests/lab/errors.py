"""Owns the errors of the lab. Refuses to guess: what the lab cannot do, it raises."""


class LabError(Exception):
    """The lab could not do what it was asked, or saw what must not be."""


class LabTimeoutError(LabError):
    """What was waited for did not come in time."""
