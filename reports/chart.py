"""The interactive timeline as a plotly figure: plain data, drawn by plotly.js in the reader's browser.

Colours of the page (text, grid) are left out here: the page sets them for light or dark.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any, TypeAlias

from brownout.evidence import ClientOutcome
from reports.leak_words import lay, place, whose
from reports.leaks import Leak
from reports.timeline import Timeline, Window
from reports.wording import clean

Json: TypeAlias = dict[str, Any]

OUTCOME_COLOURS: dict[ClientOutcome, str] = {
    "ok": "#4caf7d",
    "refused": "#e4572e",
    "error": "#b3173a",
    "truncated": "#f2a541",
    "wrong": "#8e44ad",
    "hung": "#a0765b",
    "unsent": "#9aa0a6",
}
# Easily told apart, also by the colour-blind, and none that reads as good or bad.
_ENDPOINT_COLOURS = (
    "#4e79a7", "#f28e2b", "#6fb7b0", "#b07aa1", "#edc948", "#9c755f", "#a5a1e0", "#ff9da7", "#79706e", "#a0cbe8",
)  # fmt: skip
_PANEL_PX, _GAP_PX, _LANE_PX, _TOP_PX, _BOTTOM_PX = 150, 34, 24, 8, 46
_LEAK_COLOUR = "#d0021b"
_LEAKS_TOLD = 3  # at one mark; a thousand alike say no more
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def chart(line: Timeline, leaks: Sequence[Leak] = ()) -> Json:
    """Return the figure of one test: fault lanes, client outcomes, TTFT, attempts an endpoint, on one time axis.

    What was seen outside a boundary (``leaks``) has a lane of its own below the faults', a mark for each.
    """
    lanes = len(line.windows) + bool(leaks)
    lanes_px = _LANE_PX * lanes
    inner_px = lanes_px + 3 * _PANEL_PX + (3 if lanes_px else 2) * _GAP_PX
    tops_px = [(lanes_px + _GAP_PX if lanes_px else 0) + panel * (_PANEL_PX + _GAP_PX) for panel in range(3)]
    domains = [[1 - (top + _PANEL_PX) / inner_px, 1 - top / inner_px] for top in tops_px]
    layout: Json = {
        "height": inner_px + _TOP_PX + _BOTTOM_PX,
        "margin": {"l": 62, "r": 178, "t": _TOP_PX, "b": _BOTTOM_PX},
        "barmode": "stack",
        "bargap": 0,
        "hovermode": "x unified",
        "xaxis": {
            "range": [0, line.end_s],
            "title": {"text": "seconds since load started"},
            "anchor": "y3",
            "zeroline": False,
            "showgrid": False,
        },
        "yaxis": {"domain": domains[0], "title": {"text": "requests/s"}, "rangemode": "tozero"},
        "yaxis2": {"domain": domains[1], "title": {"text": "TTFT, s"}, "rangemode": "tozero"},
        "yaxis3": {"domain": domains[2], "title": {"text": "share of attempts"}, "range": [0, 100], "ticksuffix": "%"},
        "legend": _legend("clients saw", domains[0]),
        "legend2": _legend("first token, streamed", domains[1]),
        "legend3": _legend("attempts at", domains[2]),
        "shapes": [],
        "annotations": [],
    }
    if lanes:
        floor = 1 - lanes_px / inner_px
        layout["yaxis4"] = {"domain": [floor, 1], "range": [lanes, 0], "visible": False, "fixedrange": True}
    _draw_faults(line, layout, bottom=domains[2][0])
    _draw_marks(line, layout)
    data = [*_clients(line), *_ttft(line), *_attempts(line), *_lane_hovers(line)]
    if leaks:
        layout["annotations"].append(_leak_label(lanes - 1))
        data.append(_leak_marks(line, leaks, lanes - 1))
    return {"data": data, "layout": layout}


def endpoint_colour(index: int) -> str:
    """Return the colour of the index-th endpoint of the topology."""
    return _ENDPOINT_COLOURS[index % len(_ENDPOINT_COLOURS)]


def css_colour(colour: str) -> str:
    """Return the colour when it is a plain ``#rgb`` or ``#rrggbb``, else a default: it goes into styles."""
    return colour if _COLOUR.fullmatch(colour) else "#cc3333"


def _legend(title: str, domain: list[float]) -> Json:
    return {
        "title": {"text": title, "font": {"size": 11}},
        "x": 1.01,
        "xanchor": "left",
        "y": domain[1],
        "yanchor": "top",
        "font": {"size": 11},
        "tracegroupgap": 0,
        "bgcolor": "rgba(0,0,0,0)",
    }


def _plain(text: str) -> str:
    """Return text that plotly shows as it is: it would read ``<b>`` and ``<a href>`` as markup."""
    return escape(clean(text), quote=False)


def _middles(line: Timeline) -> list[float]:
    return [round(start + line.bucket_s / 2, 4) for start in line.starts_s]


def _bars(line: Timeline, name: str, values: list[float], colour: str, **more: object) -> Json:
    bars = {"type": "bar", "name": _plain(name), "x": _middles(line), "y": values, "width": line.bucket_s * 0.94}
    return bars | {"marker": {"color": colour, "line": {"width": 0}}} | more


def _clients(line: Timeline) -> list[Json]:
    return [
        _bars(
            line,
            outcome,
            [round(count / line.bucket_s, 3) for count in counts],
            OUTCOME_COLOURS[outcome],
            legend="legend",
            hovertemplate="%{y:.3g}/s",
        )
        for outcome, counts in line.outcomes.items()
    ]


def _ttft(line: Timeline) -> list[Json]:
    series = (("p50", line.ttft_p50_s, "#4e79a7", "solid"), ("p99", line.ttft_p99_s, "#e07b39", "solid"))
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "marker": {"size": 4},
            "name": name,
            "x": _middles(line),
            "y": [None if value is None else round(value, 4) for value in values],
            "yaxis": "y2",
            "line": {"color": colour, "width": 2, "dash": dash},
            "legend": "legend2",
            "hovertemplate": "%{y:.3f} s",
        }
        for name, values, colour, dash in series
        if any(value is not None for value in values)
    ]


def _attempts(line: Timeline) -> list[Json]:
    totals = [sum(column) for column in zip(*line.attempts.values(), strict=True)]
    return [
        _bars(
            line,
            endpoint,
            [round(100 * count / total, 2) if total else 0 for count, total in zip(counts, totals, strict=True)],
            endpoint_colour(line.endpoints.index(endpoint)),
            customdata=counts,
            yaxis="y3",
            legend="legend3",
            hovertemplate="%{y:.0f}% (%{customdata})",
        )
        for endpoint, counts in line.attempts.items()
    ]


def _until_s(window: Window, line: Timeline) -> float:
    return line.end_s if window.off_s is None else window.off_s


def _draw_faults(line: Timeline, layout: Json, *, bottom: float) -> None:
    """Shade every fault's time over all panels, and give it a labelled lane above them."""
    for lane, window in enumerate(line.windows):
        colour, until_s = css_colour(window.colour), _until_s(window, line)
        span = {"type": "rect", "x0": window.on_s, "x1": until_s, "fillcolor": colour, "line": {"width": 0}}
        shade = {"xref": "x", "yref": "paper", "y0": bottom, "y1": 1, "opacity": 0.11, "layer": "below"}
        bar = {"xref": "x", "yref": "y4", "y0": lane + 0.12, "y1": lane + 0.88, "opacity": 0.45, "layer": "below"}
        layout["shapes"] += [span | shade, span | bar]
        layout["annotations"].append(_lane_label(window, lane, line))


def _lane_label(window: Window, lane: int, line: Timeline) -> Json:
    # A label starts with its bar and may run past its end, except late in the test, where it would leave the picture.
    late = window.on_s > 0.55 * line.end_s
    suffix = "" if window.off_s is not None else " (never seen off)"
    return {
        "text": _plain(window.label + suffix),
        "x": _until_s(window, line) if late else window.on_s,
        "xanchor": "right" if late else "left",
        "y": lane + 0.5,
        "yref": "y4",
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": 11.5},
        "xshift": -4 if late else 4,
    }


def _lane_hovers(line: Timeline) -> list[Json]:
    """Return invisible points along each lane that say on hover when the fault was on and what it met."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "marker": {"opacity": 0, "size": 14},
            "x": [window.on_s + part * (_until_s(window, line) - window.on_s) for part in (0.1, 0.3, 0.5, 0.7, 0.9)],
            "y": [lane + 0.5] * 5,
            "yaxis": "y4",
            "showlegend": False,
            "name": _plain(window.label),
            "hovertemplate": f"on {window.on_s:.1f} s, off {_until_s(window, line):.1f} s, fired {window.fired}",
        }
        for lane, window in enumerate(line.windows)
    ]


def _draw_marks(line: Timeline, layout: Json) -> None:
    for mark in line.marks:
        if 0 <= mark.at_s <= line.end_s:
            dotted = {"width": 1, "dash": "dot", "color": "#888"}
            across = {"xref": "x", "x0": mark.at_s, "x1": mark.at_s, "yref": "y domain", "y0": 0, "y1": 1}
            layout["shapes"].append({"type": "line", "line": dotted} | across)
            text = {"text": _plain(mark.label), "x": mark.at_s, "y": 1, "yref": "y domain", "yanchor": "bottom"}
            layout["annotations"].append(text | {"showarrow": False, "xanchor": "center", "font": {"size": 10}})


def _leak_label(lane: int) -> Json:
    return {
        "text": "outside a boundary",
        "x": 1.01,
        "xref": "paper",
        "xanchor": "left",
        "y": lane + 0.5,
        "yref": "y4",
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": 11.5, "color": _LEAK_COLOUR},
    }


def _leak_marks(line: Timeline, leaks: Sequence[Leak], lane: int) -> Json:
    """Return a mark for each bucket in which something was seen; hollow where it was found only after the load."""
    buckets: dict[tuple[int, bool], list[Leak]] = {}
    for leak in leaks:
        buckets.setdefault((int(max(leak.at_s, 0.0) // line.bucket_s), leak.late), []).append(leak)
    return {
        "type": "scatter",
        "mode": "markers",
        "marker": {
            "color": _LEAK_COLOUR,
            "size": 10,
            "symbol": ["diamond-open" if late else "diamond" for _, late in buckets],
        },
        "x": [round(min(max(found[0].at_s, 0.0), line.end_s), 3) for found in buckets.values()],
        "y": [lane + 0.5] * len(buckets),
        "yaxis": "y4",
        "showlegend": False,
        "cliponaxis": False,
        "name": "outside a boundary",
        "text": [_leak_text(found) for found in buckets.values()],
        "hovertemplate": "%{text}",
    }


def _leak_text(leaks: Sequence[Leak]) -> str:
    told = list(dict.fromkeys(f"{whose(one.way)}: {place(one.way)} {lay(one.way)}".strip() for one in leaks))
    more = [f"and {len(told) - _LEAKS_TOLD} other ways"] if len(told) > _LEAKS_TOLD else []
    found = " (found after the load)" if leaks[0].late else ""
    return "<br>".join([f"{sum(one.times for one in leaks)} times{found}", *map(_plain, told[:_LEAKS_TOLD]), *more])
