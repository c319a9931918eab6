"""A reader of handwritten digits on the 8 by 8 images that scikit-learn carries."""

from __future__ import annotations

from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, f1_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from governance.demo.models.blueprint import SEED, Blueprint, Data, Fitted

SOURCE = "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits"


def fit(rows: int | None = None) -> Fitted:
    """Fit on 70 % of the 1,797 images (or of the first `rows`), and measure the recall of each digit."""
    bunch = load_digits(as_frame=True)
    inputs = bunch.data.head(rows or len(bunch.data))
    target = bunch.target.rename("digit").loc[inputs.index]
    train, test, train_target, test_target = train_test_split(
        inputs, target, test_size=0.3, random_state=SEED, stratify=target
    )
    estimator = SVC(C=10.0, gamma=0.001)
    estimator.fit(train, train_target)
    answer = estimator.predict(test)
    recalls = recall_score(test_target, answer, labels=range(10), average=None, zero_division=0.0)
    metrics = {
        "accuracy": float(accuracy_score(test_target, answer)),
        "f1_macro": float(f1_score(test_target, answer, average="macro")),
        **{f"recall__digit_{digit}": float(recall) for digit, recall in enumerate(recalls)},
    }
    return Fitted(
        estimator=estimator,
        training=Data("handwritten-digits-training", train, train_target, SOURCE),
        evaluation=Data("handwritten-digits-evaluation", test, test_target, SOURCE),
        metrics=metrics,
        params={"C": 10.0, "gamma": 0.001},
    )


BLUEPRINTS = (
    Blueprint(
        model="digit-reader",
        number=1,
        about="Reads one handwritten digit from an image of 8 by 8 grey values.",
        description="Support-vector classifier on 64 grey values from 0 to 16. Answers the digit.",
        team="forms-intake",
        architecture="Support-vector classifier with radial kernel",
        fit=fit,
        alias="champion",
    ),
)
