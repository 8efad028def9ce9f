"""One file a kind of measurement; `edge_iqa.measure` takes them all."""
