"""BRISQUE (pypi.org/project/brisque): 0 the best; the features and the trained model of the paper."""


def open_scorer():
    """Load the model that comes with it."""
    import cv2
    from brisque import BRISQUE

    cv2.setNumThreads(1)
    judge = BRISQUE(url=False)
    return lambda paths: [{"BRISQUE": -judge.score(cv2.imread(path)[..., ::-1])} for path in paths]
