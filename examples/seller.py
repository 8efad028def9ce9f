"""A seller's app, from hints to the file to upload: `python examples/seller.py [CAMERA|VIDEO|FOLDER] [OUT.jpg]`"""

import contextlib
import sys
import time

from edge_iqa import EdgeIqaError, Inspector, Verdict


def sell(source: int | str, out: str, policy: str = "general") -> bool:
    with Inspector.open() as inspector:
        hint = None
        with inspector.watch(source, policy=policy) as camera, contextlib.suppress(KeyboardInterrupt):
            for frame in camera:
                if frame.hint != hint:
                    hint = frame.hint
                    print(f"{frame.time_s:6.2f} s  {hint or 'Hold it like that.'}")
                if frame.capture:
                    break
        best = camera.best()  # after Ctrl-C too
        if not best:
            sys.exit("The camera gave no frame.")
        photo = inspector.fix(best[0].pixels, policy=policy)
        print(
            f"{photo.before.verdict}, score {photo.before.score:.0f}: {', '.join(photo.steps) or photo.why}"
        )
        photo.save(out)
        report = inspector.inspect(out, policy=policy)
        ready = report.verdict is Verdict.ACCEPT
        advice = [issue.advice for issue in report.issues if issue.blocking]
        print(f"{out}:", "ready to upload" if ready else " ".join(advice) or report.verdict.value)
        return ready


if __name__ == "__main__":
    given = (sys.argv[1:] + ["0", time.strftime("upload-%H%M%S.jpg")][len(sys.argv) - 1 :])[:2]
    try:
        sys.exit(not sell(int(given[0]) if given[0].isdecimal() else given[0], given[1]))
    except EdgeIqaError as error:
        sys.exit(str(error))
