"""Live frames: buffers as cameras deliver them, and where they come from."""
