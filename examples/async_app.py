"""An asyncio app that judges uploads without blocking its event loop: `python examples/async_app.py PHOTO...`

One inspector serves all requests: it may be used from several threads at once. The semaphore keeps the
number of photos in memory at the number of cores, however many uploads wait.
"""

import asyncio
import os
import sys

from edge_iqa import Inspector, Report
from edge_iqa.errors import PhotoError


class Uploads:
    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._free = asyncio.Semaphore(os.cpu_count() or 1)

    async def judge(self, photo: str | bytes) -> Report:
        async with self._free:
            return await asyncio.to_thread(self._inspector.inspect, photo)


async def main(photos: list[str]) -> None:
    with Inspector.open() as inspector:
        uploads = Uploads(inspector)
        answers = await asyncio.gather(*map(uploads.judge, photos), return_exceptions=True)
    for photo, answer in zip(photos, answers, strict=True):
        if isinstance(answer, Report):
            print(
                f"{photo}: {answer.verdict.value}",
                *(issue.advice for issue in answer.issues if issue.blocking),
            )
        elif isinstance(answer, PhotoError):
            print(f"{photo}: cannot be judged: {answer}")
        else:
            raise answer


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
