"""The way from whoever decides (the screen, the command line) to the engine: verbs down, short answers up."""
