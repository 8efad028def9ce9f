"""The loading bay: a torch module in, checked artifacts and bundles out. Knows nothing of how a model was made."""
