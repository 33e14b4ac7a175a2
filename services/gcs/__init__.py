"""The road to Google Cloud Storage: the only package that imports Google's libraries (and only when it is used)."""
