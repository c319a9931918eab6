"""Which headings and which bullets of a model card stand for which field. The first of each field is the one written."""

from __future__ import annotations

from registry.documents.outline import outline
from registry.formats.markdown import simple

# The headings of the Hugging Face template, and those that people use instead.
HEADINGS: dict[str, tuple[str, ...]] = {
    "model_details.overview": (
        *(
            "Model Description",
            "Model Details",
            "Model summary",
            "Summary of the model",
            "Overview",
            "Description",
        ),
        *("Introduction", "About", "Model overview", "Model information"),
    ),
    "model_details.citation": (
        *(
            "Citation",
            "Citation information",
            "BibTeX",
            "BibTeX entry and citation info",
            "APA",
            "Cite",
            "How to cite",
        ),
        *("Citing", "Reference", "Citing & authors"),
    ),
    "model_details.licence": ("License", "Licence", "Licensing", "License information"),
    "model_details.contact": ("Model Card Contact", "Contact", "Contact information"),
    "intended_use.uses": (
        *(
            "Uses",
            "Direct Use",
            "Downstream Use",
            "Intended uses",
            "Intended use",
            "Intended uses & limitations",
        ),
        *("Primary intended uses", "Use cases", "Applications"),
    ),
    "intended_use.users": ("Intended users", "Primary intended users", "Users"),
    "intended_use.out_of_scope": (
        *(
            "Out-of-Scope Use",
            "Out of scope use",
            "Out-of-scope use cases",
            "Out-of-scope uses",
            "Out of scope",
        ),
        "Misuse and out-of-scope use",
    ),
    "intended_use.misuse": ("Misuse", "Misuse and malicious use", "Malicious use"),
    "factors.relevant": ("Factors", "Relevant factors"),
    "factors.evaluated": ("Evaluation factors",),
    "metrics.choice": ("Metrics", "Evaluation metrics", "Model performance measures"),
    "metrics.thresholds": ("Decision thresholds", "Thresholds"),
    "evaluation_data.motivation": (
        "Testing Data",
        "Testing Data, Factors & Metrics",
        "Evaluation data",
        "Test data",
    ),
    "training_data.preprocessing": ("Preprocessing", "Data preprocessing", "Pre-processing"),
    "training_data.procedure": (
        *("Training Procedure", "Training Details", "Training Data", "Training Hyperparameters", "Training"),
        *(
            "Training and evaluation data",
            "Hyperparameters",
            "Speeds, Sizes, Times",
            "Training configuration",
        ),
        *("Model Architecture and Objective", "Technical Specifications", "Training set", "Fine-tuning"),
        *("Dataset", "Datasets", "Training results", "Pretraining"),
    ),
    "analyses.reading": (
        *(
            "Results",
            "Evaluation",
            "Summary",
            "Evaluation results",
            "Performance",
            "Model Examination",
            "Benchmarks",
        ),
        *("Model performance", "Accuracy", "Testing results", "Eval results", "Quantitative analyses"),
    ),
    "ethics.risks": (
        *("Bias, Risks, and Limitations", "Ethical considerations", "Risks", "Bias", "Biases", "Ethics"),
        *(
            "Ethical considerations and limitations",
            "Bias and fairness",
            "Responsibility & safety",
            "Societal impact",
        ),
    ),
    "caveats.caveats": (
        *("Caveats", "Limitations", "Limitations and bias", "Limitations and biases", "Known limitations"),
        *("Limitations and risks", "Disclaimer", "Known issues", "Caveats and recommendations"),
    ),
    "caveats.recommendations": ("Recommendations",),
    "operation.usage": (
        *(
            "How to Get Started with the Model",
            "Usage",
            "How to use",
            "Use",
            "How to use the model",
            "Quickstart",
        ),
        *(
            "Getting started",
            "Example usage",
            "Inference",
            "Usage example",
            "Quick start",
            "Example",
            "How to run",
        ),
        *(
            "Usage (Sentence-Transformers)",
            "Usage (HuggingFace Transformers)",
            "Installation",
            "Run the model",
        ),
    ),
    "operation.environment": ("Software", "Framework versions", "Requirements", "Dependencies"),
    "operation.hardware": ("Hardware",),
    "operation.energy": ("Environmental Impact", "Carbon emissions"),
}
OURS = {field.path: field.label for field in outline("card").fields()}
BY_HEADING = {
    **{simple(label): path for path, label in OURS.items() if outline("card").field(path).kind == "prose"},  # type: ignore[union-attr]
    **{simple(title): path for path, titles in HEADINGS.items() for title in titles},
}

# `- **Developed by:** somebody`: bullets of the template, and the field of each.
BULLETS: dict[str, str] = {
    "developed by": "model_details.owners",
    "model type": "model_details.architecture",
    "language s nlp": "model_details.languages",
    "language s": "model_details.languages",
    "language": "model_details.languages",
    "license": "model_details.licence",
    "finetuned from model": "model_details.base_models",
    "repository": "model_details.references",
    "paper": "model_details.references",
    "demo": "model_details.references",
    "hardware type": "operation.hardware",
    "carbon emitted": "operation.energy",
}

# Front matter that goes to a field as it is. What is not named here, or read by name in the reader, is kept unmapped.
KEYS: dict[str, str] = {
    "license": "model_details.licence",
    "license_name": "model_details.licence",
    "license_link": "model_details.references",
    "language": "model_details.languages",
    "tags": "model_details.tags",
    "library_name": "model_details.framework",
    "pipeline_tag": "model_details.task",
    "model_name": "model_details.name",
    "base_model": "model_details.base_models",
    "datasets": "training_data.datasets",
    "metrics": "metrics.results",
    "model-index": "metrics.results",
}

MARK = "<!-- cardinal: {} -->"
END = MARK.format("end")

# field → where it stands in a README written here; each field also stands in the body, between marks.
PLACES: dict[str, str] = {
    field.path: ", ".join(
        [f"`{key}`" for key, path in KEYS.items() if path == field.path]
        + [f"“{title}”" for title in HEADINGS.get(field.path, (field.label,))[:1]]
    )
    for field in outline("card").fields()
}
