"""How much is logged, and the variable that says so. It imports nothing: whoever starts an engine reads it."""

LOG_VARIABLE = "SOCKTUI_LOG"

LOG_LEVELS = ("debug", "info", "warning")
