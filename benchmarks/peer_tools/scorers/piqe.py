"""PIQE (pypi.org/project/pypiqe), after MATLAB's: 0 the best, by blocks, without any training."""


def open_scorer():
    """Import it."""
    import cv2
    import pypiqe

    cv2.setNumThreads(1)
    return lambda paths: [{"PIQE": -float(pypiqe.piqe(cv2.imread(path))[0])} for path in paths]
