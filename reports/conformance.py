"""What a conformance run leaves: ``conformance.yaml`` for machines, ``conformance.html`` for people."""

from pathlib import Path

from brownout.conformance import Conformance
from reports import conformance_html, conformance_yaml


def render_conformance(found: Conformance, folder: Path) -> list[Path]:
    """Write both reports into a folder and return their paths. The same findings give the same files, byte for byte."""
    return [conformance_yaml.render(found, folder), conformance_html.render(found, folder)]
