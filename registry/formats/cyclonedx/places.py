"""Where each field of a card stands in a BOM."""

from registry.documents.outline import outline

MODEL, OURS = "machine-learning-model", "cardinal:"
RESULTS = "metrics.results"

# field → its own place; every other field is a property of the component, named `cardinal:section.key`
PLACES_OF_ITS_OWN: dict[str, str] = {
    "model_details.name": "`component.name`",
    "model_details.version": "`component.version`",
    "model_details.overview": "`component.description`",
    "model_details.owners": "`component.authors[].name`",
    "model_details.licence": "`component.licenses[].license.name`",
    "model_details.tags": "`component.tags[]`",
    "model_details.task": "`modelCard.modelParameters.task`",
    "model_details.architecture": "`modelCard.modelParameters.modelArchitecture`",
    "training_data.datasets": "`components[]` of type `data`",
    "evaluation_data.datasets": "`components[]` of type `data`",
    "operation.inputs": "`modelCard.modelParameters.inputs[].format`",
    "operation.outputs": "`modelCard.modelParameters.outputs[].format`",
    "metrics.results": "`modelCard.quantitativeAnalysis.performanceMetrics[]`",
    "intended_use.uses": "`modelCard.considerations.useCases[]`",
    "intended_use.users": "`modelCard.considerations.users[]`",
    "caveats.caveats": "`modelCard.considerations.technicalLimitations[]`",
    "caveats.tradeoffs": "`modelCard.considerations.performanceTradeoffs[]`",
    "ethics.risks": "`modelCard.considerations.ethicalConsiderations[].name`",
    "ethics.mitigations": "`modelCard.considerations.ethicalConsiderations[].mitigationStrategy`",
    "ethics.fairness": "`modelCard.considerations.fairnessAssessments[].harms`",
}
PLACES = {
    field.path: PLACES_OF_ITS_OWN.get(field.path, f"property `{OURS}{field.path}`")
    for field in outline("card").fields()
}
