"""A lean HTTP/1.1 client on the event loop: the transport of sub-commands and workers that move data."""
