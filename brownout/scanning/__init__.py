"""Finds canaries in any bytes, under whatever encodings lie over them, and says what it could not look into."""

from brownout.scanning.barren import Barren
from brownout.scanning.findings import CUT_SHORT, Limits, Reason, Sighting, Unseen, reasons
from brownout.scanning.message import Scan, codings_of, header_bytes, scan_request
from brownout.scanning.scanner import Scanner, scanned

__all__ = [
    "CUT_SHORT",
    "Barren",
    "Limits",
    "Reason",
    "Scan",
    "Scanner",
    "Sighting",
    "Unseen",
    "codings_of",
    "header_bytes",
    "reasons",
    "scan_request",
    "scanned",
]
