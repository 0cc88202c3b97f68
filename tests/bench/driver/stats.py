"""Medians, ratios and quantiles over rounds."""

import statistics


def median(values):
    """Of those that are there; None when none is."""
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None


def censored_median(values):
    """The median where None means 'longer than was waited for'; None itself when it lies among those."""
    values = [float("inf") if value is None else value for value in values]
    middle = statistics.median(values) if values else float("inf")
    return None if middle == float("inf") else middle


def median_ratio(ours, theirs):
    """The median of the ratios round by round: what disturbs one round disturbs both sides of its ratio."""
    return median([a / b if a is not None and b else None for a, b in zip(ours, theirs)])


def per_reload(outcomes, key):
    """How many of something a reload costs, over all rounds; None without a reload."""
    reloads = sum(outcome["reloads"] for outcome in outcomes)
    return sum(outcome[key] for outcome in outcomes) / reloads if reloads else None


def merged_quantile(histograms, share):
    """A quantile over several sparse histograms [[value, count], …]; None when all are empty."""
    counts = {}
    for histogram in histograms:
        for value, count in histogram:
            counts[value] = counts.get(value, 0) + count
    total = sum(counts.values())
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= share * total:
            return value
    return None
