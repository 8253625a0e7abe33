"""What is wrong with a service that is asked for."""


class ServiceError(ValueError):
    """One sentence that says what is wrong with a service's name, its argument or its file."""
