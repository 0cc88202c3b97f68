"""The picture: latency through time while reloads happen, and the requests and connections that they cost, as SVG."""

import math
from html import escape

from . import stats
from .peers import MAIN
from .phases import CALM_RELOADS
from .table import LABELS

COLOURS = {"sup": "#0b6e4f", "nginx": "#d1495b", "haproxy": "#3066be", "gunicorn": "#c98a00", "starlet": "#7b5ea7"}
LOSSES = [("failed", "requests that have failed so far"), ("closed", "connections that the server has closed so far")]
WIDTH, LEFT, RIGHT = 960, 70, 230
TOP, LATENCY, GAP, LOSS, BOTTOM = 56, 280, 46, 110, 36
POINT_MS = 100  # of the curves


def draw(results):
    """The peers without their variants; the median of the rounds at each point."""
    curves = {peer.name: curve(results[peer.name]) for peer in MAIN if results.get(peer.name)}
    seconds = min((len(points["p99"]) for points in curves.values()), default=0) * POINT_MS / 1e3
    marks = marks_of(next((rounds for rounds in results.values() if rounds), []), seconds)
    height = TOP + LATENCY + len(LOSSES) * (GAP + LOSS) + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
             'font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             f'<text x="{LEFT}" y="24" font-size="16" font-weight="bold">64 keep-alive clients that pause for 50 ms, while the server '
             'is reloaded each second</text>']
    if seconds > 0:
        parts += latency_panel(curves, seconds, marks)
        top = TOP + LATENCY + GAP
        for key, title in LOSSES:
            parts += loss_panel(curves, key, title, top, seconds, marks)
            top += LOSS + GAP
        parts += legend(curves) + time_axis(seconds, height - BOTTOM)
    return "\n".join([*parts, "</svg>"]) + "\n"


def curve(rounds):
    """For each POINT_MS: p99 in µs, and how much was lost so far; medians over the rounds."""
    p99, losses = [], {key: [] for key, _ in LOSSES}
    for one in rounds:
        series = one["think50"]["series"]
        step = max(round(POINT_MS / series["slice_ms"]), 1)
        starts = range(0, len(series["p99_us"]) - step + 1, step)
        p99.append([worst(series["p99_us"][i:i + step]) for i in starts])
        for key, lists in losses.items():
            lists.append([sum(series[key][:i + step]) for i in starts])
    return {"p99": medians(p99), **{key: medians(lists) for key, lists in losses.items()}}


def medians(rounds):
    """Point by point, as far as the shortest goes."""
    return [stats.median(values) for values in zip(*rounds)]


def worst(values):
    """Of slices in which something was answered."""
    return max((value for value in values if value > 0), default=None)


def marks_of(rounds, seconds):
    """When reloads were asked for, from the first peer's first round; each peer's own are within milliseconds of it."""
    if not rounds:
        return []
    first = rounds[0]["think50"]["reload_marks_s"][:1]
    return [at for at in (start + n * CALM_RELOADS for start in first for n in range(100)) if at < seconds - CALM_RELOADS / 2]


def across(second, seconds):
    return LEFT + (WIDTH - LEFT - RIGHT) * second / seconds


def latency_panel(curves, seconds, marks):
    values = [value for points in curves.values() for value in points["p99"] if value]
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)
    base = TOP + LATENCY

    def up(value):
        return base - LATENCY * (math.log10(value) - low) / (high - low)

    parts = [text(LEFT, TOP - 10, "latency, 99th percentile of each 100 ms")]
    for power in range(low, high + 1):
        parts += [line(LEFT, up(10 ** power), WIDTH - RIGHT, up(10 ** power), "#ddd"),
                  text(LEFT - 8, up(10 ** power) + 4, duration(10 ** power), "end")]
    parts += mark_lines(marks, seconds, TOP, base)
    for peer, points in reversed(curves.items()):  # sup, the first, on top
        parts.append(polyline([(across((i + 0.5) * POINT_MS / 1e3, seconds), up(value))
                               for i, value in enumerate(points["p99"]) if value and i * POINT_MS / 1e3 < seconds], peer))
    return parts


def loss_panel(curves, key, title, top, seconds, marks):
    base = top + LOSS
    most = max([value for points in curves.values() for value in points[key] if value] + [1])

    def up(value):
        return base - LOSS * value / most

    parts = [text(LEFT, top - 10, title)]
    for value in (0, most):
        parts += [line(LEFT, up(value), WIDTH - RIGHT, up(value), "#ddd"), text(LEFT - 8, up(value) + 4, f"{value:.0f}", "end")]
    parts += mark_lines(marks, seconds, top, base)
    for peer, points in reversed(curves.items()):  # sup, the first, on top
        parts.append(polyline([(across(0, seconds), base)] + [
            (across((i + 1) * POINT_MS / 1e3, seconds), up(value or 0))
            for i, value in enumerate(points[key]) if i * POINT_MS / 1e3 < seconds], peer))
    return parts


def time_axis(seconds, y):
    return [text(across(second, seconds), y + 18, f"{second} s", "middle") for second in range(int(seconds) + 1)]


def legend(curves):
    parts = []
    left = WIDTH - RIGHT + 18
    for row, peer in enumerate(curves):
        y = TOP + 10 + row * 20
        parts += [line(left, y, left + 22, y, COLOURS[peer], 3), text(left + 28, y + 4, LABELS[peer])]
    y = TOP + 10 + len(curves) * 20
    return parts + [f'<line x1="{left}" y1="{y}" x2="{left + 22}" y2="{y}" stroke="#888" stroke-dasharray="3 3"/>',
                    text(left + 28, y + 4, "reload asked for")]


def mark_lines(marks, seconds, top, base):
    return [f'<line x1="{across(at, seconds):.1f}" y1="{top}" x2="{across(at, seconds):.1f}" y2="{base}" stroke="#888" '
            'stroke-dasharray="3 3"/>' for at in marks]


def line(x1, y1, x2, y2, colour, width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def polyline(points, peer):
    width = 3 if peer == "sup" else 1.6
    return (f'<polyline fill="none" stroke="{COLOURS[peer]}" stroke-width="{width}" stroke-linejoin="round" points="'
            + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')


def text(x, y, words, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#333">{escape(words)}</text>'


def duration(microseconds):
    if microseconds < 1e3:
        return f"{microseconds:g} µs"
    return f"{microseconds / 1e3:g} ms" if microseconds < 1e6 else f"{microseconds / 1e6:g} s"
