"""SLO metrics: one file each, registered here."""
