"""How populations are gathered into what is drawn: types, and rows (regions, populations or layers). However many
populations there are, a figure has few rows and memory holds few series."""

import re

import numpy
from scipy import sparse

MOST_ROWS = 400


def _sides_by_name(names):
    """True for each region of the left hemisphere, where all names say which: lA1 and rA1, L012, Precuneus_R,
    lh-insula. None where they do not: also where nearly all would lie on one side, as with R001, R002 ..."""
    for pattern in (r"^([lLrR])h?[A-Z0-9_.\- ]", r"[_.\- ]([lLrR])h?$", r"^(left|right|Left|Right)"):
        found = [re.search(pattern, name) for name in names]
        if names and all(found):
            left = numpy.array([match.group(1)[0] in "lL" for match in found])
            if 0.25 <= left.mean() <= 0.75:
                return left
    return None


def region_order(names, centres_mm):
    """Left hemisphere first, then right: so that matrices of different runs look alike. Within each, from front to
    back, or by name where centres are unknown; the file's order where names do not tell the hemisphere either.
    Returns (order, number of left regions or None)."""
    if len(centres_mm) and numpy.isfinite(centres_mm).all():
        right = centres_mm[:, 0] > 0
        return numpy.lexsort((-centres_mm[:, 1], right)), int((~right).sum())
    left = _sides_by_name(names)
    if left is None:
        return numpy.arange(len(names)), None
    return numpy.lexsort((names, ~left)), int(left.sum())


def order_words(centres_mm, left):
    """What region_order did, for captions."""
    if left is None:
        return "in the order of the connectome"
    known = len(centres_mm) and numpy.isfinite(centres_mm).all()
    return "left hemisphere first, each from front to back" if known else "left hemisphere first, each by name"


class Mixing:
    """Mean over neurons of groups of populations. rates [..., population] @ matrix = means [..., group]; NaN where a
    group holds no neuron."""

    def __init__(self, index, names, count):
        """index [population]: the group of each, -1 for none."""
        index = numpy.asarray(index)
        self.names = list(names)
        weight = numpy.where(index >= 0, count, 0).astype(float)
        total = numpy.bincount(numpy.maximum(index, 0), weights=weight, minlength=len(self.names))
        with numpy.errstate(divide="ignore", invalid="ignore"):
            share = weight / total[numpy.maximum(index, 0)]
        self.matrix = sparse.csr_matrix((numpy.nan_to_num(share), (numpy.arange(len(index)), numpy.maximum(index, 0))),
                                        shape=(len(index), len(self.names)))
        self.neurons = total
        self.empty = total == 0

    def mean(self, rates):
        mixed = numpy.asarray(rates @ self.matrix)
        mixed[..., self.empty] = numpy.nan
        return mixed


class Groups:
    """types: Mixing by type, in order of kinds. rows: Mixing by what, in the order drawn; `what` is 'region',
    'population', 'layer' or 'block of populations'; row_types: the type of a row's neurons, '' where mixed; left: rows
    of the left hemisphere, where known. layers: Mixing by layer and type, where regions have layers, else None."""

    def __init__(self, run):
        populations = run.populations
        self.kinds = populations.kinds()
        self.types = Mixing(_codes(populations.types.tolist(), self.kinds), self.kinds, populations.count)
        self.left, self.row_of, self.layers = None, None, None
        if run.has_regions():
            self._by_region(run)
            if len(set(populations.layers)) > 1:
                self.layers, self.layer_types, _ = _layers(populations)
        elif len(populations.names) <= MOST_ROWS:
            self.what, self.row_of = "population", numpy.arange(len(populations.names))
            names, self.row_types = populations.names, populations.types.tolist()
            self.rows = Mixing(self.row_of, names, populations.count)
        elif all(populations.layers):
            self.what = "layer"
            self.rows, self.row_types, self.row_of = _layers(populations)
        else:
            self.what = "block of populations"
            self.row_of = numpy.arange(len(populations.names)) * MOST_ROWS // len(populations.names)
            first = numpy.searchsorted(self.row_of, numpy.arange(MOST_ROWS))
            self.row_types = [""] * MOST_ROWS
            self.rows = Mixing(self.row_of, [populations.names[i] for i in first], populations.count)

    def _by_region(self, run):
        populations = run.populations
        self.what, self.row_types = "region", [""] * len(run.region_names)
        order, self.left = region_order(run.region_names, run.centres_mm)
        rank = numpy.empty(len(order), dtype=int)
        rank[order] = numpy.arange(len(order))
        self.order = order
        self.row_of = numpy.where(populations.region >= 0, rank[populations.region], -1)
        self.rows = Mixing(self.row_of, [run.region_names[r] for r in order], populations.count)

    def rows_of_kind(self, populations, rates, kind):
        """Mean rate of every row's neurons of one type."""
        index = numpy.where(populations.types == kind, self.row_of, -1)
        return Mixing(index, self.rows.names, populations.count).mean(rates)


def _layers(populations):
    """(Mixing by layer and type, the type of each, index [population]); what has no layer comes last."""
    keys = list(zip(populations.layers, populations.types.tolist()))
    unique = sorted(set(keys), key=lambda key: (not key[0], key))
    names = [(layer or "no layer, ") + kind for layer, kind in unique]
    index = _codes(keys, unique)
    return Mixing(index, names, populations.count), [kind for _, kind in unique], index


def _codes(values, order):
    place = {value: i for i, value in enumerate(order)}
    return numpy.array([place[value] for value in values])


def evenly(total, most):
    """At most `most` indices, evenly spaced over `total`."""
    return numpy.arange(total) if total <= most else numpy.arange(most) * total // most


def chosen_populations(populations, most):
    """At most `most` populations that have neurons, evenly spaced within every type."""
    chosen = []
    kinds = populations.kinds()
    for kind in kinds:
        mine = numpy.flatnonzero((populations.types == kind) & (populations.count > 0))
        chosen.append(mine[evenly(len(mine), max(1, most // len(kinds)))])
    return numpy.sort(numpy.concatenate(chosen))
