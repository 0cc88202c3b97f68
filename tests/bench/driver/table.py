"""The summary as tables, in Markdown and as plain text."""

from .summary import REFERENCE

LABELS = {"sup": "sup", "nginx": "nginx", "nginx-reuseport": "nginx, reuseport", "haproxy": "HAProxy",
          "haproxy-polite": "HAProxy, idle-close-on-response", "gunicorn": "gunicorn (gthread)",
          "starlet": "Server::Starter, Starlet"}
LOSSES = "Failed requests / closed connections for each reload, 64 clients"
RELOADS = "A reload, and what clients feel of it"
COSTS = "What it costs"


def tables(summaries):
    """[(title, header, rows)]"""
    many = next((s["many_idle"]["clients"] for s in summaries.values() if s["many_idle"]), None)
    reference = summaries.get(REFERENCE)
    losses = ["", "new connections", "back to back", "5 ms pause", "50 ms pause", "POST", "1,000 idle"]
    reload = ["", "new generation answers", "old one gone, 1,000 idle", "old one gone, 64 busy",
              "p50 quiet → reloads", "p99 quiet → reloads", "p99.9 quiet → reloads"]
    cost = ["", "CPU for a request", "in user space", "idle connection", "CPU for a 1 GiB file", "requests/s", "busiest of 2 workers", "after reloads", "memory: master", "workers"]
    return [
        (LOSSES, losses + ([f"{many:,} idle"] if many else []), [losses_row(n, s, many) for n, s in summaries.items()]),
        (RELOADS, reload, [reload_row(n, s, reference) for n, s in summaries.items()]),
        (COSTS, cost, [cost_row(n, s) for n, s in summaries.items()]),
    ]


def losses_row(name, summary, many):
    cells = [pair(summary["per_reload"][mode], mode) for mode in ("fresh", "keepalive", "think5", "think50", "post", "idle")]
    if many:
        cells.append(pair(summary["many_idle"], "idle"))
    return [LABELS[name], *cells]


def reload_row(name, s, reference):
    return [LABELS[name], milliseconds(s["first_answer_ms"]), span(s["gone_idle"]), span(s["gone_busy"]),
            *(latency(s, key, reference) for key in ("p50", "p99", "p999"))]


def cost_row(name, s):
    two = name not in ("starlet",)
    return [LABELS[name], ratio(s["cpu_ratio"], measured(s["cpu_us"], "µs")), ratio(s["user_ratio"], measured(s["user_us"], "µs")),
            ratio(s["idle_bytes_ratio"], measured(s["idle_bytes"], "B")),
            ratio(s["file_ratio"], measured(s["file_ms"], "ms")), ratio(s["rate_ratio"]),
            share(s["busiest_before"]) if two else "–", share(s["busiest_after"]) if two else "–",
            mebibytes(s["master_kib"]), mebibytes(s["workers_kib"])]


def pair(losses, mode):
    if losses is None or losses["failed"] is None:
        return "–"
    # A client that asks for a new connection each time closes none that it wants to keep.
    return count(losses["failed"]) + ("" if mode == "fresh" else " / " + count(losses["closed"]))


def span(value):
    if value is None:
        return "–"
    if value["beyond"]:
        return "outlived the wait"
    return ratio(value["ratio"], milliseconds(value["ms"]))


def ratio(value, absolute=None):
    if value is None:
        return absolute or "–"
    text = f"{value:.2f}×" if value < 10 else f"{value:.0f}×"
    return f"{text} ({absolute})" if absolute else text


def count(value):
    if value == 0:
        return "0"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def number(value):
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def measured(value, unit):
    return None if value is None else f"{number(value)} {unit}"


def milliseconds(value):
    return "–" if value is None else f"{number(value)} ms"


def latency(summary, key, reference):
    """In ms, without reloads and with them; the ratio compares the latter with the reference's."""
    quiet, busy = summary["latency_quiet"][key], summary["latency_reloads"][key]
    if quiet is None or busy is None:
        return "–"
    theirs = reference and reference["latency_reloads"][key]
    compared = f" ({ratio(busy / theirs)})" if theirs else ""
    return f"{number(quiet / 1e3)} → {number(busy / 1e3)} ms{compared}"


def share(value):
    return "–" if value is None else f"{value:.0%}"


def mebibytes(kib):
    return f"{number(kib / 1024)} MiB"


def notes(summaries):
    """What must be known to read the tables, and the targets with what came of them."""
    lines = [
        "Medians over the rounds. × is the ratio to nginx in the same rounds, smaller is better but for requests/s. A connection "
        "counts as closed when the server ends it and its client wanted to keep it. Two workers each (HAProxy: two threads in "
        "one process; Starlet: 80 processes, because it needs one for each connection); CPU for a request and memory of an idle "
        "connection with one.",
    ]
    lines += [f"{LABELS[name]} did not react to {s['unheard']} of {s['unheard'] + s['reloads']} requests to reload."
              for name, s in summaries.items() if s["unheard"]]
    if "sup" in summaries:
        lines.append(f"The command `sup reload` returns, promoted, after {milliseconds(summaries['sup']['command_ms'])} with 64 busy "
                     "clients (median).")
    if "sup" in summaries and "nginx" in summaries:
        lines += targets(summaries["sup"])
    return lines


def targets(sup):
    found = [("one worker's CPU for a request not above nginx's", sup["cpu_ratio"], 1.0, "×"),
             ("the same in user space at most 0.75 of nginx's", sup["user_ratio"], 0.75, "×"),
             ("memory of an idle connection not above nginx's", sup["idle_bytes_ratio"], 1.0, "×"),
             ("CPU for a file of 1 GiB at most 1.5 of nginx's", sup["file_ratio"], 1.5, "×"),
             ("old generation gone with 1,000 idle connections before nginx's", (sup["gone_idle"] or {}).get("ratio"), 1.0, "×"),
             ("busiest of two workers not above 60 % a second after connecting", sup["busiest_before"], 0.6, "%"),
             ("the same a second after a reload", sup["busiest_after"], 0.6, "%")]
    return [f"{verdict(value, limit)}: {text} ({shown(value, unit)})" for text, value, limit, unit in found]


def verdict(value, limit):
    if value is None:
        return "Not measured"
    return "Met" if value <= limit else "Not met"


def shown(value, unit):
    if value is None:
        return "–"
    return f"{value:.0%}" if unit == "%" else f"{value:.2f}{unit}"


def markdown(summaries):
    parts = []
    for title, header, rows in tables(summaries):
        lines = [f"**{title}**", "", "| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        parts.append("\n".join(lines))
    first, *rest = notes(summaries)
    parts.append(first)
    if rest:
        parts.append("\n".join(f"- {line}" for line in rest))
    return "\n\n".join(parts) + "\n"


def text(summaries):
    parts = []
    for title, header, rows in tables(summaries):
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        lines = [title] + ["  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in
                                                                  zip(row[1:], widths[1:])]).rstrip()
                           for row in [header, *rows]]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, "\n".join(notes(summaries))]) + "\n"
