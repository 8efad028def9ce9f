"""From a diagnosis to a repaired file: one photo tried, the result written whole or not at all."""
