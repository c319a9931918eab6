"""Facts: what exists."""

from registry.models.answers import KeptAnswer
from registry.models.artifacts import Manifest
from registry.models.datasets import Dataset, DatasetSnapshot
from registry.models.documents import Document, Revision
from registry.models.drafts import Draft
from registry.models.endpoints import Endpoint
from registry.models.figures import Figure
from registry.models.imports import Import
from registry.models.ledger import AliasOrder, LedgerRow
from registry.models.model import Alias, Environment, Model, Version
from registry.models.pipelines import PipelineStage
from registry.models.readings import Reading
from registry.models.roles import Role, RoleGrant, groups_of, memberships
from registry.models.runs import Run, RunInput
from registry.models.search import SearchRow
from registry.models.servers import Delivery, TrackingServer
from registry.models.systems import System
from registry.models.teams import Team, TeamMember
from registry.models.users import User
from registry.models.visibility import (
    ModelGroupObjectPermission,
    ModelUserObjectPermission,
    narrowed_to,
    sees_everything,
    visible_models,
)

__all__ = [
    "Alias",
    "AliasOrder",
    "Dataset",
    "DatasetSnapshot",
    "Delivery",
    "Document",
    "Draft",
    "Endpoint",
    "Environment",
    "Figure",
    "Import",
    "KeptAnswer",
    "LedgerRow",
    "Manifest",
    "Model",
    "ModelGroupObjectPermission",
    "ModelUserObjectPermission",
    "PipelineStage",
    "Reading",
    "Revision",
    "Role",
    "RoleGrant",
    "Run",
    "RunInput",
    "SearchRow",
    "System",
    "Team",
    "TeamMember",
    "TrackingServer",
    "User",
    "Version",
    "groups_of",
    "memberships",
    "narrowed_to",
    "sees_everything",
    "visible_models",
]
