"""Support vector machines of scikit-learn, as arrays.

Several classes are told apart in the two usual ways: by one hyperplane for each class against the
rest (linear; Fan et al., "LIBLINEAR", JMLR 2008), and by one decision function for each pair of
classes (radial basis functions; Chang and Lin, "LIBSVM", 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.svm import SVC, LinearSVC

from ...arrays import Array, Float, Int
from ...errors import InputError

__all__ = ["Pairs", "Planes", "linear", "radial"]

_CACHE = 3000  # megabytes of kernel that libsvm may keep
_ROUNDS = 5000


@dataclass(frozen=True, eq=False)
class Planes:
    """One against the rest: ``weight x + bias``, 0 for a class that was not there.

    Attributes:
        weight: (classes, d).
        bias: (classes,).
    """

    weight: Float[Array, "c d"]
    bias: Float[Array, "c"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """One against one: ``sum_s coefficients exp(-gamma |x - vectors|^2) + bias``.

    There is a row for each pair of classes ``i < j``, in the order of
    :func:`itertools.combinations`; above 0 it is i.

    Attributes:
        vectors: (s, d), the support vectors.
        coefficients: (pairs, s); 0 where a vector is of neither class, and in every place of a pair
            of which one class was not there.
        bias: (pairs,).
    """

    vectors: Float[Array, "s d"]
    coefficients: Float[Array, "p s"]
    bias: Float[Array, "p"]


def linear(
    features: Float[Array, "n d"],
    labels: Int[Array, "n"],
    classes: int,
    cost: float,
    *,
    balanced: bool = False,
    seed: int = 0,
) -> Planes:
    """Hyperplanes with the largest margin, squared hinge loss.

    Args:
        features: best of a variance of about 1.
        labels: 0 to ``classes`` - 1.
        classes: how many there could be.
        cost: of an error, C.
        balanced: errors of rare classes cost more, by one over their share.
        seed: of the solver.

    Raises:
        InputError: one class only.
    """
    machine = LinearSVC(
        C=cost,
        dual=len(features) < features.shape[1],
        class_weight="balanced" if balanced else None,
        random_state=seed,
        max_iter=_ROUNDS,
        tol=1e-3,
    )
    there = _classes(labels)
    machine.fit(features, labels)
    rows, bias = machine.coef_, machine.intercept_
    if len(there) == 2:  # scikit-learn then has one plane, for the second class
        rows, bias = np.concatenate([-rows, rows]), np.concatenate([-bias, bias])
    weight, offset = np.zeros((classes, features.shape[1])), np.zeros(classes)
    weight[there], offset[there] = rows, bias
    return Planes(weight, offset)


def radial(
    features: Float[Array, "n d"],
    labels: Int[Array, "n"],
    classes: int,
    cost: float,
    gamma: float,
    *,
    balanced: bool = False,
) -> Pairs:
    """Decision functions of radial basis functions.

    Args:
        features: as in :func:`linear`.
        labels: likewise.
        classes: likewise.
        cost: likewise; hinge loss here.
        gamma: of the kernel ``exp(-gamma |x - y|^2)``.
        balanced: as in :func:`linear`.

    Raises:
        InputError: one class only.
    """
    machine = SVC(
        C=cost,
        gamma=gamma,
        class_weight="balanced" if balanced else None,
        decision_function_shape="ovo",
        cache_size=_CACHE,
    )
    there = _classes(labels)
    machine.fit(features, labels)
    # Rows of dual_coef_: what a vector of a class counts against each of the other classes.
    first = np.concatenate([[0], np.cumsum(machine.n_support_)])
    count = len(machine.support_vectors_)
    found = {}
    for number, (i, j) in enumerate(combinations(range(len(there)), 2)):
        row = np.zeros(count)
        row[first[i] : first[i + 1]] = machine.dual_coef_[j - 1, first[i] : first[i + 1]]
        row[first[j] : first[j + 1]] = machine.dual_coef_[i, first[j] : first[j + 1]]
        # With two classes scikit-learn turns the sign about: above 0 it is the second there.
        sign = -1 if len(there) == 2 else 1
        found[int(there[i]), int(there[j])] = sign * row, sign * machine.intercept_[number]
    every = list(combinations(range(classes), 2))
    none = np.zeros(count), 0.0
    rows, bias = zip(*(found.get(pair, none) for pair in every), strict=True)
    return Pairs(machine.support_vectors_, np.array(rows), np.array(bias))


def _classes(labels: Int[Array, "n"]) -> Int[Array, "c"]:
    there: Array = np.unique(labels)
    if len(there) < 2:
        raise InputError(f"a support vector machine tells two classes and more; got {len(there)}")
    return there
