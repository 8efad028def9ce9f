"""What `benchmarks/peers.py` is made of: other judges of photos, each in an environment and a process of its own."""
