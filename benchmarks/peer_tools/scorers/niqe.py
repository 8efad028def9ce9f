"""NIQE of scikit-video, with the paper's parameters: 0 the best. Its newest release, of 2018, needs an old SciPy."""


def open_scorer():
    """Import it; it is made for luma as a film of one frame."""
    import numpy as np
    from PIL import Image
    from skvideo.measure import niqe

    def score(path):
        luma = np.asarray(Image.open(path).convert("L"), np.float64)
        return {"NIQE": -float(niqe(luma[None, :, :, None])[0])}

    return lambda paths: [score(path) for path in paths]
