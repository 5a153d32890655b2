"""Errors whose text is for people; none of them is a defect of the program."""


class ExperimentError(ValueError):
    """An experiment that cannot be read or run; one problem a line."""


class UnknownRunError(ExperimentError):
    """A run that a result does not have."""


class StoreError(Exception):
    """A directory that cannot be written, or that holds no result."""


class LockedError(StoreError):
    """A directory in which another process is at work."""


class FailedError(Exception):
    """A sweep that could not be finished; what was finished is kept."""


class WorkerError(FailedError):
    """Workers that died or cannot be reached."""


class ChunkError(FailedError):
    """A chunk that cannot be written."""


class DamagedError(Exception):
    """A file that is not what was written; the text says in what way."""
