"""Model cards in the shapes of real ones, made by chance with a fixed seed: what people write, and how they write it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

SEED = 20_261_124
WORDS = [
    "the",
    "model",
    "was",
    "trained",
    "on",
    "a",
    "corpus",
    "of",
    "news",
    "and",
    "reviews",
    "in",
    "several",
    "languages",
    "it",
    "reaches",
    "good",
    "results",
    "on",
    "the",
    "benchmark",
    "but",
    "fails",
    "for",
    "short",
    "texts",
    "naïve",
    "Größe",
    "模型",
    "données",
    "обучение",
    "🤗",
    "🚀",
    "±",
    "≥",
    "“quoted”",
    "it’s",
    "–",
    "e.g.",
    "3.14",
    "100%",
]
HEADINGS = (
    *(
        "Model Details",
        "Model Description",
        "Uses",
        "Direct Use",
        "Downstream Use [optional]",
        "Out-of-Scope Use",
    ),
    *(
        "Bias, Risks, and Limitations",
        "Recommendations",
        "How to Get Started with the Model",
        "Training Details",
    ),
    *(
        "Training Data",
        "Training Procedure ",
        "Preprocessing [optional]",
        "Evaluation",
        "Testing Data",
        "Results",
    ),
    *("Environmental Impact", "Citation [optional]", "Glossary [optional]", "Model Card Contact", "Usage"),
    *("🚀 Quick start", "Label Scheme", "Intended uses & limitations", "How to use", "Limitations and bias"),
    *(
        "Framework versions",
        "License",
        "Acknowledgements",
        "**Training** results",
        "[Paper](https://arxiv.org/abs/1)",
    ),
    *(
        "Evaluation results",
        "TODO",
        "What's new?",
        "模型介绍",
        "Hyperparameters",
        "BibTeX entry and citation info",
    ),
)


@dataclass(frozen=True)
class Card:
    """A generated README: its bytes, the front matter that went in (None where it is none or broken), and its shape."""

    shape: str
    raw: bytes
    front: dict[str, Any] | None


def cards(count: int = 360) -> Iterator[Card]:
    """`count` cards, every shape in turn, the same ones every time."""
    chance = random.Random(SEED)  # noqa: S311 - chance that can be repeated is the point
    for number in range(count):
        shape = SHAPES[number % len(SHAPES)]
        yield shape(chance)


def words(chance: random.Random, most: int = 25) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(1, most)))


def one_or_several(chance: random.Random, *values: str) -> Any:
    several = chance.sample(values, chance.randint(1, len(values)))
    return chance.choice([several[0], several])


def front(chance: random.Random) -> dict[str, Any]:
    """Front matter as people have it: one or several, quoted or not, with what only the Hub knows."""
    found: dict[str, Any] = {
        "license": one_or_several(chance, "mit", "apache-2.0", "cc-by-4.0", "other"),
        "language": one_or_several(chance, "en", "no", "de", "zh", "on"),
        "tags": one_or_several(chance, "spacy", "bert", "généré", "2.0", "no", "null"),
        "datasets": one_or_several(chance, "squad", "glue", "common_voice", "imdb"),
        "metrics": one_or_several(chance, "accuracy", "f1", "wer"),
        "pipeline_tag": "text-classification",
        "library_name": "transformers",
        "base_model": one_or_several(chance, "bert-base-cased", "org/llama-7b"),
        "base_model_relation": chance.choice(["finetune", "quantized", "adapter"]),
        "license_name": "my-own-licence",
        "license_link": "https://example.org/licence",
        "thumbnail": "https://example.org/a.png",
        "inference": chance.choice([False, True, {"parameters": {"temperature": 0.7, "top_k": 50}}]),
        "widget": [{"text": words(chance, 5), "example_title": "One"}, {"src": "https://example.org/x.jpg"}],
        "co2_eq_emissions": chance.choice(
            [12.5, {"emissions": 0.0021, "source": "codecarbon", "hardware_used": "T4"}]
        ),
        "extra_gated_fields": {"Company": "text", "I agree": "checkbox"},
        "model-index": index(chance),
        "date": "2023-01-02",
    }
    chosen = chance.sample(list(found), chance.randint(1, len(found)))
    return {key: found[key] for key in found if key in chosen}


def index(chance: random.Random, *, dataset: bool = True) -> list[dict[str, Any]]:
    results = []
    for _ in range(chance.randint(1, 4)):
        metrics = [
            {"type": kind, "name": chance.choice([kind, kind.title(), "Dev " + kind]), "value": chance.choice([round(chance.random(), 6), "90.1 ± 0.2", 93, {"p": 0.5, "r": 0.25}]), "verified": True}
            for kind in chance.sample(["accuracy", "f1", "wer", "loss"], chance.randint(1, 3))
        ]  # fmt: skip
        result: dict[str, Any] = {"task": {"type": "text-classification", "name": "Text Classification"}}
        if dataset and chance.random() < 0.8:
            result["dataset"] = {
                "name": "GLUE MRPC",
                "type": "glue",
                "config": "mrpc",
                "split": "test",
                "args": "mrpc",
            }
        results.append(result | {"metrics": metrics})
    return [{"name": f"model-{chance.randint(1, 99)}", "results": results}]


def block(chance: random.Random) -> str:
    """Something below a heading."""
    return chance.choice(
        [
            lambda: words(chance, 60),
            lambda: "\n".join(f"- **{words(chance, 2)}:** {words(chance, 6)}" for _ in range(3)),
            lambda: (
                f"- **Developed by:** {words(chance, 4)}\n- **License:** MIT\n- **Model type:** [More Information Needed]"
            ),
            lambda: "```python\n# Uses\nmodel = load('x')\n---\n```",
            lambda: "[More Information Needed]",
            lambda: "<!-- Provide a longer summary. -->\n\n[More Information Needed]",
            lambda: "<!-- one\ntwo lines -->\n" + words(chance),
            lambda: (
                "| a | b |\n|---|---|\n"
                + "\n".join(f"| {words(chance, 2)} | {chance.random():.4f} |" for _ in range(4))
            ),
            lambda: f"<details><summary>{words(chance, 3)}</summary>\n\n<img src='x.png'/>\n</details>",
            lambda: f"1. one\n   - two\n     - three {words(chance, 3)}\n\n> quoted\n",
            lambda: "$$\\frac{a}{b}$$ and `code` and [a link](https://example.org/?a=1&b=2)",
            lambda: f"Setext {words(chance, 2)}\n-----------\nbelow it",
            lambda: "",
        ]
    )()


def body(chance: random.Random) -> str:
    parts = [
        chance.choice(["", words(chance), f"# {words(chance, 4)}", "# Model Card for " + words(chance, 2)])
    ]
    for title in chance.sample(HEADINGS, chance.randint(0, 14)):
        parts += [f"{'#' * chance.randint(1, 4)} {title}", block(chance)]
    return "\n\n".join(parts) + "\n"


def dumped(given: dict[str, Any]) -> str:
    """YAML by other hands than ours: PyYAML writes, in block or flow style."""
    return yaml.safe_dump(given, allow_unicode=True, sort_keys=False)


def whole(shape: str, top: str, below: str, given: dict[str, Any] | None) -> Card:
    return Card(shape, f"---\n{top}---\n{below}".encode(), given)


def ordinary(chance: random.Random) -> Card:
    given = front(chance)
    return whole("ordinary", dumped(given), body(chance), given)


def without_front(chance: random.Random) -> Card:
    return Card("without front matter", (body(chance) + words(chance)).encode(), None)


def spacy(chance: random.Random) -> Card:
    given = {
        "tags": ["spacy", "token-classification"],
        "language": ["nb"],
        "license": "mit",
        "model-index": index(chance, dataset=False),
    }
    return whole("spaCy", dumped(given), body(chance), given)


def norwegian(chance: random.Random) -> Card:
    top = "language: no\nlicense: mit\ndate: 2021-05-06\ntags:\n- yes\n- on\n"
    given = {"language": "no", "license": "mit", "date": "2021-05-06", "tags": ["yes", "on"]}
    return whole("language: no", top, body(chance), given)


def tabbed(chance: random.Random) -> Card:
    top = "license: mit\ntags:\n-\tspeech\n-\taudio\nco2_eq_emissions:\n\temissions: 12\n"
    return whole(
        "tabs",
        top,
        body(chance),
        {"license": "mit", "tags": ["speech", "audio"], "co2_eq_emissions": {"emissions": 12}},
    )


def broken(chance: random.Random) -> Card:
    top = chance.choice(
        [
            'license: "mit\n',
            "tags: [a, b\n",
            "language: en: de\n",
            "- a\nb: c\n",
            "title: @x\n",
            "a: |\nb\n  c: {\n",
        ]
    )
    return whole("broken YAML", top, body(chance) + "\n# Uses\n\nstill read\n", None)


def old_spelling(chance: random.Random) -> Card:
    metric = {"name": "Test WER", "type": "wer", "value": 23.96}
    result = {
        "task": {"name": "Speech Recognition", "type": "asr"},
        "dataset": {"name": "CV", "type": "common_voice", "args": "fr"},
    }
    given = {
        "model_index": [
            {"name": "old", "results": [result | {"metric": metric}, result | {"metrics": metric}]}
        ]
    }
    return whole("model_index", dumped(given), body(chance), given)


def windows(chance: random.Random) -> Card:
    given = front(chance)
    text = f"\ufeff---\n{dumped(given)}---\n{body(chance)}"
    return Card("CRLF and BOM", text.replace("\n", "\r\n").encode(), given)


def huge_table(chance: random.Random) -> Card:
    rows = "\n".join(f"| {n} | {words(chance, 8)} | {chance.random()} |" for n in range(1500))
    given = front(chance)
    return whole(
        "huge table", dumped(given), f"# Big\n\n## Results\n\n| a | b | c |\n|-|-|-|\n{rows}\n", given
    )


def odd_types(chance: random.Random) -> Card:
    given = {
        "license": chance.choice([["mit", "gpl-3.0"], {"name": "x"}, 3, None]),
        "language": chance.choice([{"en": True}, [["en"], {"name": "de"}], 7, ""]),
        "tags": chance.choice([None, "one, two", [None, 1, 2.5, True, {"a": []}]]),
        "datasets": chance.choice([[{"name": "squad", "revision": "main"}], {}, 0, [None]]),
        "metrics": chance.choice([{"accuracy": 0.5}, [{"name": "f1", "value": 1}], "", ["n/a"]]),
        "base_model": chance.choice([None, ["a", "a"], {"id": "x"}, "x" * 400]),
        "model-index": chance.choice([None, "x", [None], [{"results": "x"}], [{"results": [{"metrics": [3]}]}], {"name": "m", "results": {"dataset": "d", "metrics": {"type": "f1", "value": [1, 2]}}}]),
        "pipeline_tag": chance.choice([["a", "b"], {"x": {"y": {"z": []}}}, False]),
        17: "a number as a key",
    }  # fmt: skip
    return whole("odd types", dumped(given), body(chance), given)


def anchored(chance: random.Random) -> Card:
    top = "tags: &t\n- a\n- b\nkeywords: *t\nlicense: !!str mit\nlicense: apache-2.0\nempty:\n"
    return whole(
        "anchors and repeated keys",
        top,
        body(chance),
        {
            "tags": ["a", "b"],
            "keywords": ["a", "b"],
            "license": "apache-2.0",
            "license (earlier)": "mit",
            "empty": None,
        },
    )


def no_body(chance: random.Random) -> Card:
    given = front(chance)
    return whole("no body", dumped(given), chance.choice(["", "\n\n", "<!-- nothing -->"]), given)


def empty_front(chance: random.Random) -> Card:
    return whole(
        "empty front matter", chance.choice(["", "# only a comment\n", "\n"]), body(chance) + "text", None
    )


def long_prose(chance: random.Random) -> Card:
    return whole(
        "long prose", "license: mit\n", "## Uses\n\n" + (words(chance, 40) + "\n\n") * 900, {"license": "mit"}
    )


SHAPES: list[Callable[[random.Random], Card]] = [
    *(ordinary, without_front, spacy, norwegian, tabbed, broken, old_spelling, windows, odd_types),
    *(anchored, no_body, empty_front, ordinary, odd_types, huge_table, long_prose),
]
