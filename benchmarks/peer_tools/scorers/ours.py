"""Edge IQA as its users have it: installed from its wheel, a whole report with a policy, on one thread."""


def open_scorer(policy="amazon-main"):
    """Open the bundle that is shipped."""
    from edge_iqa import Inspector, opencv

    opencv.load().setNumThreads(1)
    inspector = Inspector.open(threads=1)
    return lambda paths: [{"score": inspector.inspect(path, policy=policy).score} for path in paths]
