"""A tumour classifier on the Wisconsin breast-cancer measurements that scikit-learn carries."""

from __future__ import annotations

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from governance.demo.models.blueprint import SEED, Blueprint, Data, Fitted, rates

SOURCE = "https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic"


def fit(rows: int | None = None) -> Fitted:
    """Fit on 70 % of the 569 cases (or of the first `rows`); 1 means malignant."""
    bunch = load_breast_cancer(as_frame=True)
    inputs = bunch.data.rename(columns=lambda column: column.replace(" ", "_")).head(rows or len(bunch.data))
    target = (1 - bunch.target).rename("malignant").loc[inputs.index]  # scikit-learn counts benign as 1
    train, test, train_target, test_target = train_test_split(
        inputs, target, test_size=0.3, random_state=SEED, stratify=target
    )
    estimator = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=1_000))
    estimator.fit(train, train_target)
    truth, answer = test_target.to_numpy(), estimator.predict(test)
    metrics = {
        "auc": float(roc_auc_score(truth, estimator.predict_proba(test)[:, 1])),
        **rates(truth, answer),
    }
    coarse = (test["mean_texture"] >= train["mean_texture"].median()).to_numpy()
    for part, rows_of in (("coarse_texture", coarse), ("smooth_texture", ~coarse)):
        metrics |= {f"{name}__{part}": rate for name, rate in rates(truth[rows_of], answer[rows_of]).items()}
    return Fitted(
        estimator=estimator,
        training=Data("breast-cancer-wisconsin-training", train, train_target, SOURCE),
        evaluation=Data("breast-cancer-wisconsin-evaluation", test, test_target, SOURCE),
        metrics=metrics,
        params={"C": 0.3, "max_iter": 1_000},
    )


BLUEPRINTS = (
    Blueprint(
        model="tumour-classifier",
        number=1,
        about="Tells malignant from benign breast tumours by measurements of cell nuclei.",
        description="Logistic regression on thirty measurements of cell nuclei in a fine-needle aspirate. "
        "Answers 1 for malignant, 0 for benign.",
        team="pathology",
        architecture="Logistic regression on scaled numbers",
        fit=fit,
        alias="champion",
    ),
)
