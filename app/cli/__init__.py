"""The command line: the shape of every command in `commands`, and a module for each that does the work.

`main` parses and loads only the module of the command that was asked for, so `--help` and `--version` cost no more
than Python itself.
"""
