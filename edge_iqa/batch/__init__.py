"""Very many photos, by processes: what is done stays done."""
