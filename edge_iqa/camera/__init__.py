"""A camera is watched: what each frame shows, what to do now, and which frame is best."""
