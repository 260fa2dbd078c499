"""What the spikes of a network tell of events: a linear readout names the type of an event, or of the one before.

The readout of W. Maass, T. Natschlaeger & H. Markram, Neural Comput. 14:2531 (2002): each spike counts with
exp(-t / 30 ms), t ago; the state of a group of neurons at one moment is the vector of these sums. For each moment after
onsets a ridge regression learns to give 1 for the type of the event and 0 for the others from the first events, and is
tested on the others. The weight of the ridge is the one that errs least when each event in turn is left out (D. M.
Allen, Technometrics 16:125, 1974), chosen from RIDGES.
"""

from dataclasses import dataclass

import numpy

from events import find_events
from groups import evenly

TAU_MS = 30.0
MOMENTS = 20
TRAINED = 0.6            # of the events
RIDGES = (0.01, 0.1, 1.0, 10.0)
LEAST_EVENTS, LEAST_OF_TYPE, MOST_TYPES, MOST_EVENTS = 40, 8, 12, 4000
MOST_NEURONS, MOST_GROUPS = 2000, 4
SHUFFLES = 5


@dataclass
class Readout:
    """Of one group of neurons and one task."""
    accuracy: numpy.ndarray   # [moment] share of withheld events that are named rightly
    shuffled: float           # the same, trained on shuffled types: mean over moments and shuffles
    confusion: numpy.ndarray  # [moment][true type, named type] withheld events
    weights: list             # [moment] of [neuron, type], of states in units of the root of their mean variance


@dataclass
class Decoding:
    """readouts[lag][group]: lag 0 names the type of this event, 1 that of the one before."""
    events: object            # see events.py
    types: list
    moments_ms: numpy.ndarray  # after onset
    groups: list              # names
    neurons: list             # of each group
    trained: int              # events the readouts learned from
    tested: list              # [lag] events they were tested on
    chance: list              # [lag] share of the most frequent type among those
    readouts: list

    def network(self):
        """Index of the largest group: the network, beside its inputs."""
        return int(numpy.argmax(self.neurons))

    def half(self):
        """Index of the moment in the middle of an event, at which memory is judged."""
        return len(self.moments_ms) // 2 - 1


def decode(run):
    """(Decoding or None, sentence on what is missing or None)"""
    if run.spike_group() is None or run.populations is None:
        return None, None
    events, missing = find_events(run)
    if events is None:
        return None, missing
    chosen = _usable(run, events)
    if chosen is None:
        return None, None
    onset_ms, kind, types = chosen
    span = numpy.diff(onset_ms).min()
    moments = numpy.arange(1, MOMENTS + 1) * span / MOMENTS
    time, node, _ = run.spikes_between(0, numpy.inf)
    groups = _groups(run, numpy.unique(run.populations.owner(numpy.unique(node))))
    trained = int(TRAINED * len(kind))
    found = Decoding(events, types, moments, [name for name, _ in groups], [len(n) for _, n in groups], trained, [], [],
                     [])
    states = []
    for _, neurons in groups:
        spikes = _spikes_of(neurons, time, node)
        states.append([_states(*spikes, len(neurons), onset_ms + moment) for moment in moments])
    for lag in (0, 1):
        target = kind[:len(kind) - lag]
        tested = target[trained - lag:]
        found.tested.append(len(tested))
        found.chance.append(numpy.bincount(tested).max() / len(tested))
        found.readouts.append([_readout([state[lag:] for state in group], target, trained - lag, len(types))
                               for group in states])
    return found, None


def _usable(run, events):
    """(onsets in ms, types as numbers, their names) of the events after the warm-up that the run saw to their end, or
    None where they are too few to learn from, or follow each other within 10 ms."""
    onset_ms = events.onset_s * 1e3
    if len(onset_ms) < LEAST_EVENTS or numpy.diff(onset_ms).min() < 10:
        return None
    span = numpy.diff(onset_ms).min()
    seen = (onset_ms >= run.warmup_s * 1e3) & (onset_ms + span <= run.duration_s() * 1e3 + 1e-6)
    onset_ms, kind = onset_ms[seen][:MOST_EVENTS], events.kind[seen][:MOST_EVENTS]
    types, number, size = numpy.unique(kind.astype(str), return_inverse=True, return_counts=True)
    if len(kind) < LEAST_EVENTS or not 2 <= len(types) <= MOST_TYPES or size.min() < LEAST_OF_TYPE:
        return None
    return onset_ms, number, types.tolist()


def _groups(run, recorded):
    """[(name, neurons)]: excitatory and inhibitory populations are one network; the others, as inputs, are themselves.
    Neurons ascend; of very many some, evenly spaced."""
    populations, groups = run.populations, []
    typed = [p for p in recorded if populations.types[p]]
    if typed:
        name = " and ".join(populations.names[p] for p in typed) if len(typed) <= 3 else "E and I neurons"
        groups.append((name, typed))
    groups += [(populations.names[p], [p]) for p in recorded if not populations.types[p]][:MOST_GROUPS - len(groups)]
    neurons = [numpy.concatenate([numpy.arange(populations.count[p]) + populations.first[p] for p in members])
               for _, members in groups]
    return [(name, n[evenly(len(n), MOST_NEURONS)]) for (name, _), n in zip(groups, neurons)]


def _spikes_of(neurons, time, node):
    """(times, indices into `neurons`) of their spikes."""
    at = numpy.minimum(numpy.searchsorted(neurons, node), len(neurons) - 1)
    mine = neurons[at] == node
    return time[mine], at[mine]


def _states(time, index, neurons, when):
    """[moment, neuron] sums of exp(-t / TAU_MS) over the spikes of each neuron up to ascending moments in ms."""
    end = numpy.searchsorted(time, when[-1], side="right")
    moment = numpy.repeat(numpy.arange(len(when)), numpy.diff(numpy.searchsorted(time, when, side="right"), prepend=0))
    weight = numpy.exp((time[:end] - when[moment]) / TAU_MS)
    state = numpy.bincount(moment * neurons + index[:end], weights=weight, minlength=len(when) * neurons)
    state = state.reshape(len(when), neurons)
    fade = numpy.exp(-numpy.diff(when) / TAU_MS)
    for row in range(1, len(when)):
        state[row] += fade[row - 1] * state[row - 1]
    return state


def _readout(states, kind, trained, types):
    generator = numpy.random.default_rng(1)
    accuracy, confusion, weights, shuffled = [], [], [], []
    wanted = kind[trained:]
    for moment, state in enumerate(states):
        ridge = _Ridge(state[:trained])
        named, weight = ridge.name(state[trained:], kind[:trained], types)
        accuracy.append((named == wanted).mean())
        confusion.append(numpy.bincount(wanted * types + named, minlength=types * types).reshape(types, types))
        weights.append(weight)
        if moment % (MOMENTS // SHUFFLES) == 0:
            named, _ = ridge.name(state[trained:], generator.permutation(kind[:trained]), types)
            shuffled.append((named == wanted).mean())
    return Readout(numpy.array(accuracy), float(numpy.mean(shuffled)), numpy.array(confusion), weights)


class _Ridge:
    """Ridge regression on given states, for any types: the eigenvectors of their products serve all ridges."""

    def __init__(self, known):
        self._mean = known.mean(axis=0)
        # One unit for all neurons: in units of its own, one that fires once would weigh as much as the others.
        self._unit = numpy.sqrt(known.var(axis=0).mean()) or 1.0
        self._known = self._scaled(known)
        self._value, self._vector = numpy.linalg.eigh(self._known @ self._known.T / known.shape[1])

    def _scaled(self, state):
        return (state - self._mean) / self._unit

    def name(self, state, kind, types):
        """(type named for each state, weights [neuron, type]), learned from the types of the known states."""
        target = numpy.eye(types)[kind]
        mean = target.mean(axis=0)
        seen = self._vector.T @ (target - mean)
        least, dual = numpy.inf, None
        for ridge in RIDGES:
            gain = 1 / (numpy.maximum(self._value, 0) + ridge)
            trial = self._vector @ (gain[:, None] * seen)
            error = ((trial / (self._vector ** 2 @ gain)[:, None]) ** 2).sum()  # of each state, left out
            if error < least:
                least, dual = error, trial
        weight = self._known.T @ dual / self._known.shape[1]
        return (self._scaled(state) @ weight + mean).argmax(axis=1), weight
