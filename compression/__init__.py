"""The workshop: photos → labels → teacher → student → artifacts. Runs from a checkout, with torch."""
