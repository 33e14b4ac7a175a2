"""The screens: connect, main, and the dialogs."""
