"""All record types, one line each."""

from __future__ import annotations

from shared.record import RecordType, type_of
from shared.types.alert import Alert
from shared.types.approval_item import ApprovalItem
from shared.types.attachment import Attachment
from shared.types.backup import Backup
from shared.types.bureau import Bureau
from shared.types.claim import Claim
from shared.types.code_item import CodeItem
from shared.types.code_table import CodeTable
from shared.types.conflict import Conflict
from shared.types.data_problem import DataProblem
from shared.types.device import Device
from shared.types.exchange import Exchange
from shared.types.external_unit import ExternalUnit
from shared.types.hand_over import HandOver
from shared.types.held_set import HeldSet
from shared.types.inspection import Inspection
from shared.types.licence_catalogue_item import LicenceCatalogueItem
from shared.types.market_entity import MarketEntity
from shared.types.media_intake import MediaIntake
from shared.types.medium import Medium
from shared.types.officer import Officer
from shared.types.other_information import OtherInformation
from shared.types.penalty import Penalty
from shared.types.penalty_item import PenaltyItem
from shared.types.permit import Permit
from shared.types.sanction import Sanction
from shared.types.seat_account import SeatAccount
from shared.types.seat_state import SeatState
from shared.types.supervision import Supervision
from shared.types.supervision_item import SupervisionItem
from shared.types.task import Task
from shared.types.user import User
from shared.types.verification import Verification

ALL: tuple[RecordType, ...] = tuple(
    type_of(cls)
    for cls in (
        MarketEntity,
        Bureau,
        User,
        Officer,
        ExternalUnit,
        Permit,
        Penalty,
        Supervision,
        Sanction,
        Alert,
        OtherInformation,
        ApprovalItem,
        PenaltyItem,
        SupervisionItem,
        LicenceCatalogueItem,
        CodeTable,
        CodeItem,
        Claim,
        Task,
        Inspection,
        Verification,
        Conflict,
        Exchange,
        Device,
        MediaIntake,
        SeatState,
        HeldSet,
        Attachment,
        Medium,
        HandOver,
        SeatAccount,
        Backup,
        DataProblem,
    )
)

_BY_NAME = {one.name: one for one in ALL}
_BY_NUMBER = {one.number: one for one in ALL}


def by_name(name: str) -> RecordType:
    """The type of that code name; KeyError when there is none."""
    return _BY_NAME[name]


def by_number(number: int) -> RecordType:
    """The type of that wire number; KeyError when there is none."""
    return _BY_NUMBER[number]
