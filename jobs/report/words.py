"""Numbers, sizes and spans of time as people read them."""

import math
import re


def number(value):
    """20,000 or 7.71 or 1.3e-05; a dash where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 10 else f"{value:,.4g}"
    return f"{value:.3g}" if abs(value) < 1e-3 else f"{value:,.0f}"


def short(value):
    """Three digits, for figures and captions: 7.63, 0.015, 12, 1,500; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        digits = 2 - math.floor(math.log10(abs(value))) if value else 0
        return f"{round(value, digits):,.{max(0, digits)}f}"
    return f"{value:.2e}"


def size(value):
    """Bytes with a binary prefix."""
    if value is None:
        return "–"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return ""


def duration(seconds):
    """Seconds as people say them: 850 ms, 12.3 s, 4 min 10 s, 2 h 05 min."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(value, noun, nouns=None):
    """1 region, 76 regions."""
    return f"{value:,} {noun if value == 1 else nouns or noun + 's'}"


def percent(share):
    """0.123 as 12 %, 0.0012 as 0.12 %."""
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.095 else f"{100 * share:.2g} %"


def unit(text):
    """uA/cm2 as µA/cm², "" for what has none."""
    text = re.sub(r"cm\^?2\b", "cm²", text.replace("^2", "²"))
    return "" if text == "1" else re.sub(r"\bu(?=[A-Z])", "µ", text)


def kind_name(kind):
    """Of a type of population."""
    return {"E": "excitatory", "I": "inhibitory"}.get(kind, "all")


def listed(items):
    """a, b and c"""
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
