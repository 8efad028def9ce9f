"""Every error that Edge IQA raises on purpose, in one tree.

::

    EdgeIqaError
    ├── PhotoError              one photo cannot be scored; a batch goes on without it
    │   ├── UnsupportedPhotoError   not an image, or a format that is not read here
    │   ├── DamagedPhotoError       empty, truncated or corrupt
    │   ├── PhotoSizeError          more pixels than allowed, or too few to judge
    │   └── PhotoArrayError         an array that is not uint8 HxW, HxWx3 or HxWx4
    ├── BundleError             a bundle is missing, incomplete, altered or of another schema
    ├── BackendError            no inference runtime, or one that refuses the model
    ├── DependencyError         an optional package is needed; the message names the extra
    ├── GalleryError            a gallery is missing, foreign, damaged, or of another model
    ├── OutputError             a result could not be written; nothing half-written is left
    ├── DataError               a CSV or folder of photos is not what the workshop expects
    ├── CheckpointError         a checkpoint is missing, foreign, damaged or not safe to read
    ├── GateError               a model misses a bound that it must hold
    ├── RecipeError             a recipe is not TOML, or asks for what no command can do
    ├── CameraError             a camera or video cannot be opened, was lost, or stands still
    │   └── FrameError              a frame's size, stride or data cannot be right; a stream goes on without it
    ├── PolicyError             a policy is not there, not TOML, or has a rule that cannot be checked
    └── WordsError              no such language, or its catalog lacks a sentence

A message says what was expected, what came, and what to do.
"""


class EdgeIqaError(Exception):
    """Base of all errors raised on purpose; catch this one to catch them all."""


class PhotoError(EdgeIqaError):
    """One photo cannot be scored."""


class UnsupportedPhotoError(PhotoError):
    """The bytes are not an image, or are of a format that is not read here."""


class DamagedPhotoError(PhotoError):
    """The photo is empty, truncated or corrupt."""


class PhotoSizeError(PhotoError):
    """The photo has more pixels than allowed, or its shorter side is too short to judge."""


class PhotoArrayError(PhotoError):
    """An array is not uint8 of shape HxW, HxWx3 or HxWx4."""


class BundleError(EdgeIqaError):
    """A bundle is missing, incomplete, altered or of an unknown schema."""


class BackendError(EdgeIqaError):
    """No inference runtime is installed, or the one asked for refuses the model."""


class DependencyError(EdgeIqaError):
    """An optional package is needed for this; the message names the extra to install."""


class GalleryError(EdgeIqaError):
    """A gallery is missing, foreign, damaged, changed by others, or made by another model."""


class OutputError(EdgeIqaError):
    """A result could not be written; what stood there before still stands."""


class DataError(EdgeIqaError):
    """A CSV or a folder of photos is not what the workshop expects."""


class CheckpointError(EdgeIqaError):
    """A checkpoint is missing, foreign, damaged, or holds anything but tensors."""


class GateError(EdgeIqaError):
    """A model misses a bound that it must hold before it may be packed."""


class RecipeError(EdgeIqaError):
    """A recipe of the pipeline is not TOML, or has a key or value that no command takes."""


class CameraError(EdgeIqaError):
    """A camera, video or folder cannot be opened, was unplugged, or has delivered nothing for too long."""


class FrameError(CameraError):
    """A frame's size, stride, format or data cannot be right together."""


class PolicyError(EdgeIqaError):
    """A policy is not there, is not TOML, or has a rule or bound that cannot be checked."""


class WordsError(EdgeIqaError):
    """There is no catalog of words for a language, or it lacks a sentence or has one too many."""
