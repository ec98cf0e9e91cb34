"""What goes wrong: what happened, where, and the next step."""


class Error(Exception):
    """The project's message in three lines, and each of them by itself."""

    def __init__(self, what: str, at: str, help: str) -> None:
        super().__init__(f"{what}\n  at: {at}\n  help: {help}")
        self.what = what
        self.at = at
        self.help = help

    def __reduce__(self) -> tuple[type["Error"], tuple[str, str, str]]:
        return type(self), (self.what, self.at, self.help)


class ArgumentError(Error, ValueError):
    """A value, a shape or a name that does not fit."""


class DocumentError(Error):
    """A file that is not read, or is not what it should be."""


class ModelError(Error):
    """A model that cannot be run."""


class DeviceError(Error):
    """A back end that is not there, or a board that fails."""
