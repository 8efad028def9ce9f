"""CPBD (pypi.org/project/cpbd): share of edges whose blur nobody would see, 0 to 1, 1 the best."""


def open_scorer():
    """Import it."""
    import cpbd
    import numpy as np
    from PIL import Image

    return lambda paths: [
        {"CPBD": float(cpbd.compute(np.asarray(Image.open(path).convert("L"))))} for path in paths
    ]
