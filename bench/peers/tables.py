"""Markdown tables."""


def number(value, digits):
    """None: what did not come about."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}"


def render(head, body):
    """Lines. Every row has as many cells as the head."""
    for row in body:
        if len(row) != len(head):
            raise ValueError(f"{row} has {len(row)} cells; the head has {len(head)}")
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in body]


def ordered(names, order):
    """`names` in the order that is known; those that are not come last, by name."""
    known = list(order)
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), str(name)))
