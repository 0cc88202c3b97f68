"""From the results of all rounds to what the tables show: medians, and ratios to nginx."""

from . import stats

MODES = ["fresh", "keepalive", "think5", "think50", "post", "idle"]
REFERENCE = "nginx"
ALONE = ["cpu_us_per_request", "user_us_per_request", "idle_bytes"]


def summarize(results):
    """{peer: values}; a value is None where it was not measured, or where it exceeds what was waited for."""
    reference = results.get(REFERENCE, [])
    return {peer: summarize_peer(rounds, reference) for peer, rounds in results.items() if rounds}


def summarize_peer(rounds, reference):
    idle = idle_outcomes(rounds)
    many = [r["many_idle"] for r in rounds if "many_idle" in r]
    cpu, user, idle_bytes = (measured_alone(rounds, key) for key in ALONE)
    their_cpu, their_user, their_idle_bytes = (measured_alone(reference, key) for key in ALONE)
    rate = column(rounds, "throughput", "requests_per_s")
    file_ms, their_file_ms = (downloaded(all_rounds) for all_rounds in (rounds, reference))
    return {
        "rounds": len(rounds),
        "per_reload": {mode: losses(idle if mode == "idle" else [r[mode] for r in rounds]) for mode in MODES},
        "reloads": sum(r[mode]["reloads"] for r in rounds for mode in MODES if mode in r),
        "unheard": sum(r[mode].get("unheard", 0) for r in rounds for mode in MODES if mode in r),
        "command_ms": stats.median([time for r in rounds for time in r["think5"]["took_ms"]]),
        "first_answer_ms": stats.median(one["first_answer_ms"] for one in idle),
        "gone_idle": span([one["gone_ms"] for one in idle], [one["gone_ms"] for one in idle_outcomes(reference)]),
        "gone_busy": span(busy_times(rounds), busy_times(reference)),
        "many_idle": many_idle(many),
        "latency_quiet": latency([r["quiet"]["histogram"] for r in rounds]),
        "latency_reloads": latency([r["think50"]["histogram"] for r in rounds]),
        "cpu_us": stats.median(cpu),
        "cpu_ratio": stats.median_ratio(cpu, their_cpu),
        "cpu_ratios": ratios(cpu, their_cpu),
        "user_us": stats.median(user),
        "user_ratio": stats.median_ratio(user, their_user),
        "idle_bytes": stats.median(idle_bytes),
        "idle_bytes_ratio": stats.median_ratio(idle_bytes, their_idle_bytes),
        "file_ms": stats.median(file_ms),
        "file_ratio": stats.median_ratio(file_ms, their_file_ms),
        "requests_per_s": stats.median(rate),
        "rate_ratio": stats.median_ratio(rate, column(reference, "throughput", "requests_per_s")),
        "busiest_before": stats.median(column(rounds, "think5", "busiest_before")),
        "busiest_after": stats.median(column(rounds, "think5", "busiest_after")),
        "master_kib": stats.median(column(rounds, "memory", "master_kib")),
        "workers_kib": stats.median(column(rounds, "memory", "workers_kib")),
    }


def column(rounds, measurement, key):
    return [r[measurement][key] for r in rounds]


def measured_alone(rounds, key):
    """With one worker; None for a server that was not measured so."""
    return [r["alone"][key] if "alone" in r else None for r in rounds]


def downloaded(rounds):
    return [r["download"]["cpu_ms_per_gib"] if "download" in r else None for r in rounds]


def idle_outcomes(rounds):
    return [r[key] for r in rounds for key in ("idle", "idle2") if key in r]


def busy_times(rounds):
    return [time for r in rounds for time in r["think5"]["gone_ms"]]


def losses(outcomes):
    if not outcomes:
        return None
    return {"failed": stats.per_reload(outcomes, "failed_total"), "closed": stats.per_reload(outcomes, "closed_total")}


def span(times, reference):
    """A time, with its ratio to the reference's; `beyond` when it exceeds what was waited for."""
    if not times:
        return None
    median = stats.censored_median(times)
    theirs = stats.censored_median(reference)
    return {"ms": median, "beyond": median is None,
            "ratio": median / theirs if median is not None and theirs else None}


def many_idle(outcomes):
    if not outcomes:
        return None
    return {"clients": outcomes[0]["clients"], "gone_ms": stats.censored_median([one["gone_ms"] for one in outcomes]),
            **losses(outcomes)}


def latency(histograms):
    return {name: stats.merged_quantile(histograms, share) for name, share in
            (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}


def ratios(ours, theirs):
    return [a / b for a, b in zip(ours, theirs) if a is not None and b]
