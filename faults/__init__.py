"""What can go wrong: one file a fault, registered by its import here."""
