"""CleanVision (github.com/cleanlab/cleanvision): scores per issue, 0 to 1, 1 the best; it names no overall one.

Read are the least and the mean of those that speak of the picture's quality (not of its size, shape, color or copies),
and that of blur alone.
"""

_QUALITY = ("blurry", "dark", "light", "low_information")
_ALONE = (*_QUALITY, "grayscale", "odd_aspect_ratio", "odd_size")


def open_scorer(checks="all"):
    """Args: checks: "all" as it comes, with the search for copies; "alone": what it says of a photo by itself."""
    from cleanvision import Imagelab

    asked = {} if checks == "all" else {"issue_types": {name: {} for name in _ALONE}}

    def score(paths):
        lab = Imagelab(filepaths=list(paths))
        lab.find_issues(n_jobs=1, verbose=False, **asked)
        told = []
        for path in paths:
            row = lab.issues.loc[path]
            found = [float(row[name + "_score"]) for name in _QUALITY]
            told.append(
                {"least issue": min(found), "mean issue": sum(found) / len(found), "blurry alone": found[0]}
            )
        return told

    return score
