"""Cost of a verdict against what it can grow with, one module a part: pixels, views, threads, processes, photos."""
