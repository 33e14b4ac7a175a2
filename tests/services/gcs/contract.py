"""What every implementation of the data plane has to do, over real HTTP against the embedded store.

A test module subclasses `DataPlaneContract` and gives it a fixture `connect` that opens a `Storage`.
"""

from __future__ import annotations

from tests.services.gcs.bench import BUCKET, QUICK, Bench, Connect
from tests.services.gcs.contract_copies import CopyContract
from tests.services.gcs.contract_faults import FaultContract
from tests.services.gcs.contract_reads import ReadContract
from tests.services.gcs.contract_writes import WriteContract

__all__ = ["BUCKET", "QUICK", "Bench", "Connect", "DataPlaneContract"]


class DataPlaneContract(ReadContract, WriteContract, CopyContract, FaultContract):
    """The whole contract; `connect(endpoint, limits)` is the subclass's."""
