"""The shape of Model Card Toolkit JSON 0.0.2 in our own words: what may stand where; nothing else may."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}


def thing(**parts: Any) -> dict[str, Any]:
    """An object with these parts and no others."""
    return {"type": "object", "additionalProperties": False, "properties": parts}


def several(part: Any) -> dict[str, Any]:
    return {"type": "array", "items": part}


GRAPHICS = thing(description=TEXT, collection=several(thing(name=TEXT, image=TEXT)))
SAID = several(thing(description=TEXT))
PAIRS = several(thing(key=TEXT, value=TEXT))

SCHEMA = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | thing(
    schema_version={"const": "0.0.2"},
    model_details=thing(
        name=TEXT,
        overview=TEXT,
        documentation=TEXT,
        owners=several(thing(name=TEXT, contact=TEXT)),
        version=thing(name=TEXT, date=TEXT, diff=TEXT),
        licenses=several(thing(identifier=TEXT, custom_text=TEXT)),
        references=several(thing(reference=TEXT)),
        citations=several(thing(style=TEXT, citation=TEXT)),
        path=TEXT,
    ),
    model_parameters=thing(
        model_architecture=TEXT,
        data=several(
            thing(
                name=TEXT,
                description=TEXT,
                link=TEXT,
                sensitive=thing(sensitive_data=several(TEXT)),
                graphics=GRAPHICS,
            )
        ),
        input_format=TEXT,
        input_format_map=PAIRS,
        output_format=TEXT,
        output_format_map=PAIRS,
    ),
    quantitative_analysis=thing(
        performance_metrics=several(
            thing(
                type=TEXT,
                value=TEXT,
                slice=TEXT,
                confidence_interval=thing(lower_bound=TEXT, upper_bound=TEXT),
            )
        ),
        graphics=GRAPHICS,
    ),
    considerations=thing(
        users=SAID,
        use_cases=SAID,
        limitations=SAID,
        tradeoffs=SAID,
        ethical_considerations=several(thing(name=TEXT, mitigation_strategy=TEXT)),
    ),
)
