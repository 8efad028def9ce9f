"""The page that `edge-iqa report` writes: one file that needs nothing else, for a browser without a server."""
