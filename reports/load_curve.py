"""Load curves as a table and as ``curve.html``: TTFT and share of errors against offered load, an endpoint a panel."""

from pathlib import Path
from typing import Any

import jinja2
import msgspec
from plotly.offline import get_plotlyjs
from rich.console import Console
from rich.table import Table

from brownout.curve import Curve, Point
from brownout.rundir import RunDir

_TEMPLATES = Path(__file__).parent / "templates"
# Errors are drawn in the colours that clients' outcomes have in a run's report: a refusal is orange-red.
_TTFT_P50, _TTFT_P99, _SERVED = "#4e79a7", "#f2a541", "#4caf7d"
_ERRORS = ("#e4572e", "#8e44ad", "#b3173a", "#a0765b", "#9aa0a6")


def print_curves(console: Console, curves: list[Curve]) -> None:
    """Print one table: a line for each endpoint and offered load."""
    table = Table(title="what callers get as load rises")
    for column in ("endpoint", "capacity"):
        table.add_column(column)
    for column in ("offered_rps", "served_rps", "ttft_p50_s", "ttft_p99_s", "errors"):
        table.add_column(column, justify="right")
    table.add_column("which")
    for curve in curves:
        for number, one in enumerate(curve.points):
            heads = (curve.endpoint, curve.capacity) if number == 0 else ("", "")
            last = number == len(curve.points) - 1
            table.add_row(*heads, *_cells(one), end_section=last)
    console.print(table)


def _cells(one: Point) -> list[str]:
    which = ", ".join(f"{name} {count}" for name, count in one.errors.items())
    return [
        f"{one.offered_rps:.2f}",
        f"{one.served_rps:.2f}",
        "-" if one.ttft_p50_s is None else f"{one.ttft_p50_s:.2f}",
        "-" if one.ttft_p99_s is None else f"{one.ttft_p99_s:.2f}",
        f"{one.error_share:.0%}",
        which,
    ]


def render_curves(run: RunDir, curves: list[Curve], topology: str) -> Path:
    """Write ``curves.json`` and ``curve.html`` into the run directory; return the page's path."""
    run.file("curves.json").write_bytes(msgspec.json.format(msgspec.json.encode(curves), indent=1))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("curve.html.j2").render(
        topology=topology,
        curves=curves,
        css=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        plotly_js=get_plotlyjs(),
        charts=msgspec.json.encode([chart(curve) for curve in curves]).decode().replace("<", "\\u003c"),
    )
    path = run.file("curve.html")
    path.write_text(page, encoding="utf-8")
    return path


def chart(curve: Curve) -> dict[str, Any]:
    """Return one endpoint's figure: TTFT above, shares of errors below, over the offered load."""
    rates_rps = [one.offered_rps for one in curve.points]

    def line(name: str, values: list[Any], colour: str, **more: Any) -> dict[str, Any]:
        drawn = {"type": "scatter", "mode": "lines+markers", "line": {"color": colour}}
        return drawn | {"x": rates_rps, "y": values, "name": name} | more

    names = sorted({name for one in curve.points for name in one.errors})
    errors = [
        line(
            name,
            [100 * one.errors.get(name, 0) / max(one.requests, 1) for one in curve.points],
            _ERRORS[place % len(_ERRORS)],
            yaxis="y2",
            stackgroup="errors",
            hovertemplate="%{y:.1f}%",
        )
        for place, name in enumerate(names)
    ]
    data = [
        line("TTFT p50", [one.ttft_p50_s for one in curve.points], _TTFT_P50, hovertemplate="%{y:.2f} s"),
        line("TTFT p99", [one.ttft_p99_s for one in curve.points], _TTFT_P99, hovertemplate="%{y:.2f} s"),
        line("served", [one.served_rps for one in curve.points], _SERVED, yaxis="y3", hovertemplate="%{y:.2f}/s"),
        *errors,
    ]
    layout = {
        "height": 420,
        "margin": {"l": 62, "r": 190, "t": 8, "b": 46},
        "hovermode": "x unified",
        "xaxis": {"type": "log", "title": {"text": "offered load, requests/s"}, "anchor": "y2"},
        "yaxis": {"domain": [0.70, 1], "title": {"text": "TTFT, s"}, "rangemode": "tozero"},
        "yaxis3": {"domain": [0.36, 0.64], "title": {"text": "served/s"}, "rangemode": "tozero"},
        "yaxis2": {"domain": [0, 0.30], "title": {"text": "errors"}, "range": [0, 100], "ticksuffix": "%"},
    }
    return {"id": curve.endpoint, "data": data, "layout": layout}
