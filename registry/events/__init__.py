"""What happens, told upwards, by noun. See `base` for how."""

from registry.events.accounts import AccountChanged, ActionRefused
from registry.events.base import Event, Unheard, happened, publish
from registry.events.catalogue import (
    AliasMoved,
    AliasRemoved,
    DatasetSeen,
    EndpointSet,
    ManifestTaken,
    ModelRegistered,
    ModelShared,
    VersionRegistered,
)
from registry.events.documents import FigureAttached, RevisionSaved
from registry.events.servers import ServerAdded, ServerMoved, ServerSynced
from registry.events.systems import SystemChanged, SystemRegistered

__all__ = [
    "AccountChanged",
    "ActionRefused",
    "AliasMoved",
    "AliasRemoved",
    "DatasetSeen",
    "EndpointSet",
    "Event",
    "FigureAttached",
    "ManifestTaken",
    "ModelRegistered",
    "ModelShared",
    "RevisionSaved",
    "ServerAdded",
    "ServerMoved",
    "ServerSynced",
    "SystemChanged",
    "SystemRegistered",
    "Unheard",
    "VersionRegistered",
    "happened",
    "publish",
]
