"""`theano.compile.profiling`."""

__all__ = ["ProfileStats", "ScanProfileStats"]


class ProfileStats:
    """Taken by `function(profile=...)` as a wish for a profile; `f.profile` has the figures."""

    def __init__(self, atexit_print: bool = True, **options: object) -> None:
        self.atexit_print = atexit_print

    def __bool__(self) -> bool:
        return True


ScanProfileStats = ProfileStats
