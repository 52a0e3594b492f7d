"""Load curves as a table and as ``curve.html``: TTFT, answers and errors against offered load, an endpoint a panel."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from plotly.offline import get_plotlyjs
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from brownout.curve import FAILING_RATIO, SLOW_TIMES, Curve, Point, knee
from brownout.rundir import RunDir

_TEMPLATES = Path(__file__).parent / "templates"
# Errors are drawn in the colours that clients' outcomes have in a run's report: a refusal is orange-red.
_TTFT_P50, _TTFT_P99, _SERVED, _OFFERED = "#4e79a7", "#f2a541", "#4caf7d", "#9aa0a6"
_ERRORS = ("#e4572e", "#8e44ad", "#b3173a", "#a0765b", "#9aa0a6")
_FLAT = 20.0
"""TTFT that grows by more than this is drawn on a logarithmic axis: a linear one would show its peak only (ratio)."""


def reading(curve: Curve) -> str:
    """Return what a curve says in one sentence, and no more than the loads offered show."""
    found = knee(curve.points)
    heaviest = curve.points[-1]
    if found.beyond is None:
        return f"not full at any load offered, up to {_rate(heaviest.offered_rps)}"
    holds = (
        "full at the lightest load offered already"
        if found.holds is None
        else f"holds {_rate(found.holds.offered_rps)}"
    )
    beyond, lightest = found.beyond, curve.points[0]
    what = []
    if found.slow and beyond.ttft_p99_s is not None and lightest.ttft_p99_s is not None:
        what.append(f"TTFT p99 is {_seconds(beyond.ttft_p99_s)} ({_seconds(lightest.ttft_p99_s)} at the lightest load)")
    if found.failing:
        most = max(beyond.errors, key=lambda name: beyond.errors[name])
        by = most if len(beyond.errors) == 1 else f"{most} most of all"
        what.append(f"{beyond.error_share:.0%} fail ({by})")
    served = f"of the heaviest load, {_rate(heaviest.offered_rps)}, {_rate(heaviest.served_rps)} are served"
    return f"{holds}; at {_rate(beyond.offered_rps)} {' and '.join(what)}; {served}"


def print_curve(console: Console, curve: Curve) -> None:
    """Print what one curve says, as soon as it is known."""
    console.print(f"{escape(curve.endpoint)}: {escape(reading(curve))}", soft_wrap=True)


def print_curves(console: Console, curves: Sequence[Curve]) -> None:
    """Print one table: a line for each endpoint and offered load."""
    table = Table(title="what callers get as load rises")
    for column in ("endpoint", "capacity"):
        table.add_column(column)
    for column in ("offered_rps", "served_rps", "ttft_p50_s", "ttft_p99_s", "error_share"):
        table.add_column(column, justify="right")
    table.add_column("errors", overflow="fold")
    for curve in curves:
        for number, one in enumerate(curve.points):
            heads = (escape(curve.endpoint), curve.capacity) if number == 0 else ("", "")
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
        escape(which),
    ]


def render_curves(run: RunDir, curves: Sequence[Curve], topology: str) -> Path:
    """Write ``curves.json`` and ``curve.html`` into the run directory; return the page's path."""
    run.file("curves.json").write_bytes(msgspec.json.format(msgspec.json.encode(curves), indent=1))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("curve.html.j2").render(
        topology=topology,
        curves=[(curve, reading(curve)) for curve in curves],
        failing=f"{FAILING_RATIO:.0%}",
        slow=f"{SLOW_TIMES:g}",
        css=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        plotly_js=get_plotlyjs(),
        charts=msgspec.json.encode([chart(curve) for curve in curves]).decode().replace("<", "\\u003c"),
    )
    path = run.file("curve.html")
    path.write_text(page, encoding="utf-8")
    return path


def chart(curve: Curve) -> dict[str, Any]:
    """Return one endpoint's figure: TTFT, answers a second and shares of errors, one above another."""
    return {"id": curve.endpoint, "data": _lines(curve.points), "layout": _layout(curve.points)}


def _lines(points: Sequence[Point]) -> list[dict[str, Any]]:
    rates_rps = [one.offered_rps for one in points]

    def line(name: str, values: list[Any], colour: str, panel: str, **more: Any) -> dict[str, Any]:
        drawn = {"type": "scatter", "mode": "lines+markers", "line": {"color": colour}, "x": rates_rps, "y": values}
        return drawn | {"name": name, "yaxis": f"y{panel}", "legend": f"legend{panel}"} | more

    errors = [
        line(
            name,
            [100 * one.errors.get(name, 0) / max(one.requests, 1) for one in points],
            _ERRORS[place % len(_ERRORS)],
            "3",
            stackgroup="errors",
            hovertemplate="%{y:.1f} %",
        )
        for place, name in enumerate(sorted({name for one in points for name in one.errors}))
    ]
    offered = {"line": {"color": _OFFERED, "dash": "dot", "width": 1}, "mode": "lines", "hoverinfo": "skip"}
    return [
        line("TTFT p99", [one.ttft_p99_s for one in points], _TTFT_P99, "", hovertemplate="%{y:.2f} s"),
        line("TTFT p50", [one.ttft_p50_s for one in points], _TTFT_P50, "", hovertemplate="%{y:.2f} s"),
        line("offered", rates_rps, _OFFERED, "2", **offered),
        line(
            "served",
            [one.served_rps for one in points],
            _SERVED,
            "2",
            customdata=[one.output_tokens_per_s for one in points],
            hovertemplate="%{y:.2f}/s, %{customdata:.0f} tokens/s",
        ),
        *errors,
    ]


def _layout(points: Sequence[Point]) -> dict[str, Any]:
    rates_rps = [one.offered_rps for one in points]
    ttfts_s = [one.ttft_p99_s for one in points if one.ttft_p99_s is not None]
    steep = bool(ttfts_s) and max(ttfts_s) > _FLAT * min(ttfts_s)
    # A decade needs its number; what lies between, a mark.
    ttft_axis = {"type": "log", "dtick": 1} if steep else {"rangemode": "tozero"}
    # Answers beyond what is served at best are of no interest: the line of what is offered leaves the panel there.
    most_rps = 1.25 * max(one.served_rps for one in points) or 1.0
    legends = {
        f"legend{panel}": {"x": 1.01, "y": top, "yanchor": "top", "bgcolor": "rgba(0,0,0,0)"}
        for panel, top in (("", 1.02), ("2", 0.66), ("3", 0.30))
    }
    return legends | {
        "height": 440,
        "margin": {"l": 66, "r": 190, "t": 8, "b": 46},
        "hovermode": "x unified",
        "xaxis": {
            "type": "log",
            "title": {"text": "offered load, requests/s"},
            "anchor": "y3",
            "tickvals": rates_rps,
            "ticktext": [f"{rate_rps:.2g}" for rate_rps in rates_rps],
            "hoverformat": ".3g",
        },
        "yaxis": {"domain": [0.72, 1], "title": {"text": "TTFT, s"}} | ttft_axis,
        "yaxis2": {"domain": [0.36, 0.64], "title": {"text": "answers/s"}, "range": [0, most_rps]},
        "yaxis3": {
            "domain": [0, 0.28],
            "title": {"text": "errors"},
            "range": [0, 100],
            "ticksuffix": " %",
            "dtick": 50,
        },
    }


def _rate(rate_rps: float) -> str:
    return f"{rate_rps:.3g}/s"


def _seconds(value_s: float) -> str:
    return f"{value_s:.2f} s" if value_s < 10 else f"{value_s:.0f} s"
