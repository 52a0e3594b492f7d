"""Finds canaries in any bytes, under whatever encodings lie over them, and says what it could not look into."""

from brownout.scanning.findings import Limits, Reason, Sighting, Unseen
from brownout.scanning.message import Scan, codings_of, scan_request
from brownout.scanning.scanner import Scanner

__all__ = ["Limits", "Reason", "Scan", "Scanner", "Sighting", "Unseen", "codings_of", "scan_request"]
