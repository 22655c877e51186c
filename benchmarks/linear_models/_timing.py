# SPDX-License-Identifier: BSD-3-Clause
"""CPU time that each solver needs to reach a certified gap.

On one grid of tolerances the loosest that reaches each gap is searched for every solver,
until its time is spent or one fit takes three times as long as the fastest peer's to the
tightest gap. Then, for each gap, the loosest tolerance that reached it is run again, the
solvers taking turns, and the best time counts.
"""

import itertools
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _linear_benchmark import LOOSEST, TOLERANCES, benchmark_of, problem_data
from benchopt.benchmark import Benchmark

BENCHMARKS = Path(__file__).resolve().parents[1]
OURS = "sklearn_theory"
MOST_ACCURATE = 1e-10
LIKELY_ORDER = (OURS, "skglm", "celer", "liblinear", "scikit-learn")
SHORTEST_LIMIT = 0.1
STEPS_A_DECADE = 2


@dataclass
class Run:
    """One fit: the tolerance asked for, the gap reached and the best time so far."""

    tolerance: float
    gap: float
    seconds: float


@dataclass
class Walk:
    """All runs of one solver on one problem, by their place in the grid."""

    name: str
    family: str
    solver: object
    call: object
    evaluate: object
    runs: dict = field(default_factory=dict)
    out_of_time: bool = False

    def measure(self, index):
        tolerance = float(TOLERANCES[index])
        seconds, result = cpu_seconds(self.call, tolerance)
        self.runs[index] = Run(tolerance, self.evaluate(result), seconds)
        return self.runs[index]

    def loosest(self, gap):
        """The run at the loosest tolerance that reached the gap, or None."""
        reached = [index for index, run in self.runs.items() if run.gap <= gap]
        return self.runs[min(reached)] if reached else None

    def failure(self):
        """What to show where a gap was not reached."""
        if self.out_of_time:
            return f">{max(run.seconds for run in self.runs.values()):.2g}"
        return f"stalls ({min(run.gap for run in self.runs.values()):.0e})"


def rivals(instance, only=()):
    """Solvers of a problem that are installed and take it, ready to run."""
    data = problem_data(instance)
    for cls in solver_classes(benchmark_of(instance.problem)):
        if only and not any(word in (cls.family or cls.name) for word in only):
            continue
        for values in itertools.product(*cls.parameters.values()):
            solver = cls.get_instance(**dict(zip(cls.parameters, values)))
            if solver.skip(**data)[0]:
                continue
            solver.set_objective(**data)
            yield "/".join([cls.name, *values]), cls.family or cls.name, solver


_CLASSES = {}


def solver_classes(folder):
    """The installed solvers of a benchmark, loaded once."""
    if folder not in _CLASSES:
        classes = Benchmark(BENCHMARKS / folder).get_solvers()
        _CLASSES[folder] = [cls for cls in classes if cls.is_installed(quiet=True)]
    return _CLASSES[folder]


def cpu_seconds(call, *arguments):
    started = time.process_time()
    result = call(*arguments)
    return time.process_time() - started, result


def walk_all(found_rivals, calls_of, gaps, budget):
    """Walks of all solvers: the usual winners first, since peers limit each other.

    `calls_of(solver)` gives the call that is timed, a function of the tolerance, and the
    one that returns the gap of its result.
    """
    tightest = min(gaps)
    walks, longest = [], budget
    for name, family, solver in sorted(found_rivals, key=likely_speed):
        found = Walk(name, family, solver, *calls_of(solver))
        needed = [*gaps, min(tightest, MOST_ACCURATE)] if family == OURS else gaps
        search(found, needed, budget, longest)
        walks.append(found)
        # Ours limits nobody: the ratio needs a peer that reached the gap.
        run = None if family == OURS else found.loosest(tightest)
        longest = min(longest, max(3 * seconds_of(run), SHORTEST_LIMIT))
    return walks


def likely_speed(rival):
    return LIKELY_ORDER.index(rival[1]) if rival[1] in LIKELY_ORDER else 1


def search(found, gaps, budget, longest):
    """Find the loosest tolerance of the grid for each gap; the first call is not timed."""
    found.call(LOOSEST)
    for gap in sorted(gaps, reverse=True):
        while (index := next_index(found.runs, gap)) is not None:
            run = found.measure(index)
            spent = sum(one.seconds for one in found.runs.values())
            if run.gap > gap and (spent > budget or run.seconds > longest):
                found.out_of_time = True
                return


def next_index(runs, gap):
    """Where in the grid to look next for a gap; None where it is settled.

    Gaps are about proportional to tolerances: leave out what is too loose by far, and
    halve the interval between too loose and tight enough.
    """
    enough = [index for index, run in runs.items() if run.gap <= gap]
    first = min(enough, default=len(TOLERANCES))
    failed = max((i for i in runs if i < first and runs[i].gap > gap), default=-1)
    if first - failed <= 1:
        return None
    if enough:
        return (first + failed) // 2
    if failed < 0:
        return 0
    decades = np.log10(runs[failed].gap / gap)
    jump = max(1, int(STEPS_A_DECADE * min(decades, 2.0)) - 1)
    return min(failed + jump, len(TOLERANCES) - 1)


def repeat(walks, gaps, repeats, long=0.3):
    """Run again what counts for any gap; each solver has its turn in every round.

    What takes long is repeated once: it varies less, and the time is dear.
    """
    chosen = []
    for one in walks:
        runs = {id(run): run for gap in gaps if (run := one.loosest(gap))}
        chosen += [(one, run) for run in runs.values()]
    for round_ in range(repeats):
        for one, run in chosen:
            if round_ == 0 or run.seconds < long:
                seconds, _ = cpu_seconds(one.call, run.tolerance)
                run.seconds = min(run.seconds, seconds)


def gaps_to_time(walks, gaps, target):
    """The gaps of the table, and those at which ours must match a peer's."""
    matched = [
        match(run.gap, target)
        for one in walks
        if one.family != OURS and (run := one.loosest(target))
    ]
    return sorted({*gaps, *matched}, reverse=True)


def match(gap, target):
    """What ours must reach where a peer overshot the target."""
    return min(target, max(gap, MOST_ACCURATE))


def fastest(walks, gap):
    """The fastest run of each family: {family: (walk, run or None)}."""
    best = {}
    for one in walks:
        run = one.loosest(gap)
        known = best.get(one.family)
        if known is None or seconds_of(run) < seconds_of(known[1]):
            best[one.family] = one, run
    return best


def seconds_of(run):
    return np.inf if run is None else run.seconds
