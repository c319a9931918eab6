"""Where each field of a datasheet stands in a Croissant file."""

from registry.documents.outline import outline

OURS = "cardinal:"
FILES, COLUMNS = "identity.files", "identity.columns"

# RAI vocabulary 1.0 → the question that it answers; one to one, so that both directions agree
RAI: dict[str, str] = {
    "dataCollection": "collection.col_mechanism",
    "dataCollectionType": "collection.col_acquired",
    "dataCollectionTimeframe": "collection.col_timeframe",
    "dataCollectionMissingData": "composition.com_missing",
    "dataCollectionRawData": "preprocessing.pre_raw",
    "dataPreprocessingProtocol": "preprocessing.pre_steps",
    "dataManipulationProtocol": "preprocessing.pre_other",
    "dataAnnotationProtocol": "composition.com_label",
    "dataAnnotationPlatform": "preprocessing.pre_software",
    "dataAnnotationAnalysis": "composition.com_errors",
    "annotatorDemographics": "collection.col_workers",
    "dataUseCases": "uses.use_past",
    "dataLimitations": "uses.use_never",
    "dataBiases": "composition.com_sample",
    "dataSocialImpact": "uses.use_impact",
    "personalSensitiveInformation": "composition.com_sensitive",
    "dataReleaseMaintenancePlan": "maintenance.mai_updates",
}
# field → its place in schema.org's and Croissant's own words
PLAIN: dict[str, str] = {
    "identity.description": "description",
    "identity.version": "version",
    "identity.url": "url",
    "identity.licence": "license",
    "identity.creators": "creator",
    "identity.published_on": "datePublished",
    "identity.keywords": "keywords",
    "identity.citation": "citeAs",
    FILES: "distribution",
    COLUMNS: "recordSet",
}
OF_ITS_OWN = {path: f"`{key}`" for path, key in PLAIN.items()} | {
    path: f"`rai:{key}`" for key, path in RAI.items()
}
PLACES = {
    field.path: OF_ITS_OWN.get(field.path, f"`{OURS}{field.path}`") for field in outline("datasheet").fields()
}
