"""A consumer-credit scorer on synthetic applicants, with error rates that differ between age groups.

The applicants are drawn from a seed. Whether a young applicant repays hangs partly on the help of a family,
which no column holds; so both versions judge the young worse than others. The unevenness is planted in the
data, and what the cards say about it is measured, not written down.
"""

from __future__ import annotations

import numpy
import pandas
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from governance.demo.models.blueprint import SEED, Blueprint, Data, Fitted, rates

ROWS = 12_000
REFUSED_SHARE = 0.25
AGE_BANDS = {"age_18_25": (18, 25), "age_26_40": (26, 40), "age_41_60": (41, 60), "age_61_plus": (61, 120)}
WORDS = ["housing", "purpose"]


def applicants(rows: int) -> tuple[pandas.DataFrame, pandas.Series]:
    """Applicants and whether each defaulted within two years; the same rows for the same number, always."""
    draw = numpy.random.default_rng(SEED)
    age = numpy.clip(draw.gamma(1.7, 13.0, rows) + 18, 18, 84).astype("int64")
    young = age <= 25
    worked = numpy.clip((age - 18) * draw.beta(2.0, 2.6, rows), 0, 45).round(1)
    income = numpy.clip(draw.lognormal(7.55, 0.42, rows) * (1 + worked / 60), 600, 25_000).round(0)
    loan = numpy.clip(draw.lognormal(8.9, 0.75, rows), 500, 60_000).round(0)
    months = draw.choice([12, 24, 36, 48, 60, 72], rows, p=[0.12, 0.2, 0.26, 0.2, 0.14, 0.08]).astype("int64")
    debt = numpy.clip(draw.beta(2.2, 5.0, rows) + 0.35 * (loan / months) / income, 0.01, 1.5).round(3)
    others = numpy.minimum(draw.poisson(0.6 + worked / 14), 12).astype("int64")
    missed = numpy.minimum(draw.poisson(numpy.where(young, 0.08, 0.28) * (0.6 + debt)), 6).astype("int64")
    housing = numpy.where(draw.random(rows) < numpy.clip((age - 22) / 55, 0.03, 0.75), "own", "rent")
    housing = numpy.where(young & (draw.random(rows) < 0.45), "family", housing)
    purpose = draw.choice(
        ["car", "education", "furniture", "repairs", "other"], rows, p=[0.3, 0.12, 0.24, 0.16, 0.18]
    )
    helped = draw.random(rows) < 0.55
    logit = (
        -1.95 + 3.4 * (debt - 0.35) + 0.95 * missed - 0.05 * worked + 0.5 * (housing == "rent")
        - 0.9 * numpy.log(income / 2_600) + 0.35 * (purpose == "other") + 0.012 * (months - 36)
        + 1.9 * ((debt > 0.4) & (income < 2_200)) - 1.8 * ((others >= 3) & (missed == 0))
        + numpy.where(young, numpy.where(helped, -1.5, 1.5), 0.0)
    )  # fmt: skip
    defaulted = (draw.random(rows) < 1 / (1 + numpy.exp(-logit))).astype("int64")
    columns = {
        "age": age, "income": income, "employment_years": worked, "debt_ratio": debt,
        "prior_defaults": missed, "open_credits": others, "loan_amount": loan, "loan_months": months,
        "housing": housing, "purpose": purpose,
    }  # fmt: skip
    return pandas.DataFrame(columns), pandas.Series(defaulted, name="defaulted")


def linear() -> Pipeline:
    """Version 1: logistic regression on scaled numbers and one-hot words."""
    prepared = ColumnTransformer(
        [("words", OneHotEncoder(handle_unknown="ignore"), WORDS)], remainder=StandardScaler()
    )
    return make_pipeline(prepared, LogisticRegression(C=0.5, max_iter=500))


def boosted() -> Pipeline:
    """Version 2: gradient-boosted trees, which also see how columns act together."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepared = ColumnTransformer([("words", encoder, WORDS)], remainder="passthrough")
    trees = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.06, max_leaf_nodes=12, l2_regularization=1.0, random_state=SEED
    )
    return make_pipeline(prepared, trees)


def fit(estimator: Pipeline, rows: int | None) -> Fitted:
    """Fit on three quarters; measure on the rest, as a whole and for each age band."""
    inputs, target = applicants(rows or ROWS)
    train, test, train_target, test_target = train_test_split(
        inputs, target, test_size=0.25, random_state=SEED, stratify=target
    )
    estimator.fit(train, train_target)
    threshold = float(numpy.quantile(estimator.predict_proba(train)[:, 1], 1 - REFUSED_SHARE))
    score = estimator.predict_proba(test)[:, 1]
    truth, refused = test_target.to_numpy(), (score >= threshold).astype("int64")
    metrics = {
        "auc": float(roc_auc_score(truth, score)),
        "brier_score": float(brier_score_loss(truth, score)),
    }
    metrics |= rates(truth, refused)
    for band, (youngest, oldest) in AGE_BANDS.items():
        inside = test["age"].between(youngest, oldest).to_numpy()
        if inside.any():
            metrics |= {
                f"{name}__{band}": value for name, value in rates(truth[inside], refused[inside]).items()
            }
    settings = estimator[-1].get_params()
    named = {
        key: settings[key] for key in ("C", "max_iter", "learning_rate", "max_leaf_nodes") if key in settings
    }
    return Fitted(
        estimator=estimator,
        training=Data("synthetic-applicants-training", train, train_target),
        evaluation=Data("synthetic-applicants-evaluation", test, test_target),
        metrics=metrics,
        params={**named, "decision_threshold": round(threshold, 6), "refused_share": REFUSED_SHARE},
        answer="predict_proba",
    )


ABOUT = "Scores the probability that an applicant for consumer credit defaults within two years."
BLUEPRINTS = (
    Blueprint(
        model="credit-scorer",
        number=1,
        about=ABOUT,
        description="Logistic regression on ten columns of the application. Answers the probabilities "
        "of repaying and of defaulting; an applicant at or above the decision threshold is refused.",
        team="retail-lending",
        architecture="Logistic regression on scaled numbers and one-hot words",
        fit=lambda rows: fit(linear(), rows),
        alias="champion",
    ),
    Blueprint(
        model="credit-scorer",
        number=2,
        about=ABOUT,
        description="Gradient-boosted trees on the same ten columns of the application. Answers the "
        "probabilities of repaying and of defaulting; an applicant at or above the decision threshold "
        "is refused.",
        team="retail-lending",
        architecture="Histogram gradient-boosted decision trees",
        fit=lambda rows: fit(boosted(), rows),
        alias="challenger",
    ),
)
