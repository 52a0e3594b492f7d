"""The telling: each report renders a run directory and decides nothing."""
