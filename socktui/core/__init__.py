"""What a call is and what calls add up to. Pure: no sockets, no files, no screen."""
