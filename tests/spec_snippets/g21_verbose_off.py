agent = CascadeAgent(
    models=[...],
    verbose=False  # ← Reduces I/O overhead
)
