"""Variance of the Laplacian, the usual test of blur: in gray at full size, and at a width of 500 px.

The usual rule calls a photo blurred below a variance of 100: it gives 0 or 1, so most pairs tie.
"""

_WIDTH_PX = 500
_BLURRED = 100.0


def open_scorer():
    """OpenCV alone."""
    import cv2

    cv2.setNumThreads(1)

    def score(path):
        gray = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2GRAY)
        full = cv2.Laplacian(gray, cv2.CV_64F).var()
        height = max(1, round(gray.shape[0] * _WIDTH_PX / gray.shape[1]))
        small = cv2.resize(gray, (_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
        return {
            "variance": full,
            "variance at 500 px": cv2.Laplacian(small, cv2.CV_64F).var(),
            "rule of 100": float(full >= _BLURRED),
        }

    return lambda paths: [score(path) for path in paths]
