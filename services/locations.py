"""Where buckets can lie: the regions, dual-regions and multi-regions of Google Cloud Storage, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Location:
    """A place for buckets."""

    code: str
    """What the service calls it, in capitals, such as `EUROPE-WEST1`."""
    place: str
    """Where that is."""

    @property
    def words(self) -> str:
        """Code and place, as a person picks them; regions are written small, as everywhere but in buckets."""
        return f"{self.code.lower() if '-' in self.code else self.code}: {self.place}"


LOCATIONS: Final[tuple[Location, ...]] = tuple(
    Location(code, place)
    for code, place in (
        ("US", "multi-region, United States"),
        ("EU", "multi-region, European Union"),
        ("ASIA", "multi-region, Asia"),
        ("NAM4", "dual-region, Iowa and South Carolina"),
        ("EUR4", "dual-region, Netherlands and Finland"),
        ("EUR5", "dual-region, Belgium and London"),
        ("EUR7", "dual-region, London and Frankfurt"),
        ("EUR8", "dual-region, Frankfurt and Zurich"),
        ("ASIA1", "dual-region, Tokyo and Osaka"),
        ("US-CENTRAL1", "Iowa"),
        ("US-EAST1", "South Carolina"),
        ("US-EAST4", "Northern Virginia"),
        ("US-EAST5", "Columbus"),
        ("US-SOUTH1", "Dallas"),
        ("US-WEST1", "Oregon"),
        ("US-WEST2", "Los Angeles"),
        ("US-WEST3", "Salt Lake City"),
        ("US-WEST4", "Las Vegas"),
        ("NORTHAMERICA-NORTHEAST1", "Montreal"),
        ("NORTHAMERICA-NORTHEAST2", "Toronto"),
        ("NORTHAMERICA-SOUTH1", "Queretaro"),
        ("SOUTHAMERICA-EAST1", "Sao Paulo"),
        ("SOUTHAMERICA-WEST1", "Santiago"),
        ("EUROPE-CENTRAL2", "Warsaw"),
        ("EUROPE-NORTH1", "Finland"),
        ("EUROPE-NORTH2", "Stockholm"),
        ("EUROPE-SOUTHWEST1", "Madrid"),
        ("EUROPE-WEST1", "Belgium"),
        ("EUROPE-WEST2", "London"),
        ("EUROPE-WEST3", "Frankfurt"),
        ("EUROPE-WEST4", "Netherlands"),
        ("EUROPE-WEST6", "Zurich"),
        ("EUROPE-WEST8", "Milan"),
        ("EUROPE-WEST9", "Paris"),
        ("EUROPE-WEST10", "Berlin"),
        ("EUROPE-WEST12", "Turin"),
        ("ASIA-EAST1", "Taiwan"),
        ("ASIA-EAST2", "Hong Kong"),
        ("ASIA-NORTHEAST1", "Tokyo"),
        ("ASIA-NORTHEAST2", "Osaka"),
        ("ASIA-NORTHEAST3", "Seoul"),
        ("ASIA-SOUTH1", "Mumbai"),
        ("ASIA-SOUTH2", "Delhi"),
        ("ASIA-SOUTHEAST1", "Singapore"),
        ("ASIA-SOUTHEAST2", "Jakarta"),
        ("ASIA-SOUTHEAST3", "Bangkok"),
        ("AUSTRALIA-SOUTHEAST1", "Sydney"),
        ("AUSTRALIA-SOUTHEAST2", "Melbourne"),
        ("ME-CENTRAL1", "Doha"),
        ("ME-CENTRAL2", "Dammam"),
        ("ME-WEST1", "Tel Aviv"),
        ("AFRICA-SOUTH1", "Johannesburg"),
    )
)
"""Those that Google names (cloud.google.com/storage/docs/locations); others can be typed."""


def location_words(code: str) -> str:
    """Return a location as a person picks it; one that is not known here as its code."""
    return next((location.words for location in LOCATIONS if location.code == code.upper()), code)
