"""A sketch of a churn model that somebody registered in passing. Nobody governs it: that is its purpose."""

from __future__ import annotations

import numpy
import pandas
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

from governance.demo.models.blueprint import SEED, Blueprint, Data, Fitted

ROWS = 600


def fit(rows: int | None = None) -> Fitted:
    """Fit on synthetic customers whose contracts end the sooner the more they complain."""
    count = rows or ROWS
    draw = numpy.random.default_rng(SEED)
    inputs = pandas.DataFrame(
        {"months": draw.uniform(1, 60, count), "complaints": draw.poisson(1.2, count) * 1.0}
    )
    logit = 0.9 * inputs["complaints"] - 0.05 * inputs["months"]
    left = draw.random(count) < 1 / (1 + numpy.exp(-logit))
    target = pandas.Series(left, name="left").astype("int64")
    train, test, train_target, test_target = train_test_split(
        inputs, target, test_size=0.3, random_state=SEED
    )
    estimator = LogisticRegression().fit(train, train_target)
    return Fitted(
        estimator=estimator,
        training=Data("churn-sketch-training", train, train_target),
        evaluation=Data("churn-sketch-evaluation", test, test_target),
        metrics={"accuracy": float(accuracy_score(test_target, estimator.predict(test)))},
    )


BLUEPRINTS = (
    Blueprint(
        model="churn-sketch",
        number=1,
        about="",
        description="",
        team="",
        architecture="Logistic regression",
        fit=fit,
        served=False,
    ),
)
