"""Repairs, one file each: pure functions of the pixels and a strength from 0 (as it was) to 1."""
