"""What happens, told upwards, by noun. See `base` for how."""

from registry.events.accounts import AccountChanged, ActionRefused
from registry.events.base import Event, Unheard, happened, publish
from registry.events.catalogue import (
    AliasMoved,
    AliasRemoved,
    DatasetSeen,
    EndpointRemoved,
    EndpointSet,
    ManifestTaken,
    ModelRegistered,
    ModelShared,
    ModelUnshared,
    VersionRegistered,
)
from registry.events.documents import FigureAttached, RevisionSaved
from registry.events.imports import ImportTaken, ImportUsed
from registry.events.pipelines import PipelineRecorded
from registry.events.servers import ServerAdded, ServerMoved, ServerSynced
from registry.events.systems import (
    SystemChanged,
    SystemEdited,
    SystemModelRemoved,
    SystemRegistered,
    SystemRetired,
)

__all__ = [
    "AccountChanged",
    "ActionRefused",
    "AliasMoved",
    "AliasRemoved",
    "DatasetSeen",
    "EndpointRemoved",
    "EndpointSet",
    "Event",
    "FigureAttached",
    "ImportTaken",
    "ImportUsed",
    "ManifestTaken",
    "ModelRegistered",
    "ModelShared",
    "ModelUnshared",
    "PipelineRecorded",
    "RevisionSaved",
    "ServerAdded",
    "ServerMoved",
    "ServerSynced",
    "SystemChanged",
    "SystemEdited",
    "SystemModelRemoved",
    "SystemRegistered",
    "SystemRetired",
    "Unheard",
    "VersionRegistered",
    "happened",
    "publish",
]
