"""The error of a service that cannot be made."""


class ServiceError(ValueError):
    """A service's name, argument or file is wrong. The message is one sentence that says how."""
